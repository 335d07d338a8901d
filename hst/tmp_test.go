package hst
import ("testing";"fmt")
func TestStats(t *testing.T){
	for _, c := range []struct{ t, h int }{{10, 8}, {25, 15}, {50, 10}} {
			l, _ := NewLine(Config{Trees: c.t, Height: c.h, Window: 250, Seed: NewSeed(42), Limits: map[string][2]float64{"duration": {0, 10000}}}, "duration")
			xs := lognormal(1<<16, 7)
			for _, x := range xs { l.Learn(x) }
			var below, above, more, one int
			for _, x := range xs { k:=orderKey(x); d:=k-l.table.at.low
				if k<l.table.at.low {below++;continue}
				if d>l.table.at.width {above++;continue}
				b:=d>>l.table.at.shift
				i:=int(l.table.index[b]); n:=0
				if int(b)+1<len(l.table.index) { n=int(l.table.index[b+1])-i }
				if n>=1 {one++}
				if l.table.pieces[i].upper<=k && l.table.pieces[i+1].upper<=k {more++}
			}
			fmt.Println(c, below,above,one, more, len(l.table.index), len(l.table.pieces), l.table.at.width>>l.table.at.shift)
	}
}
