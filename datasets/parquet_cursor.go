package datasets

import (
	"fmt"
	"io"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/parquet-go/parquet-go"
)

// cursor walks the pages of one column chunk. Null is a definition level of 0;
// values of a page hold only what is not null.
type cursor struct {
	pages parquet.Pages // nil: column left out, read as nulls
	page  parquet.Page
	at    int // rows taken of page
	vals  int // values (not nulls) taken of page
	dict  chunkDict
}

// chunkDict is the dictionary of a column chunk as Arrow has it. Pages that fell
// back to plain strings (other writers do that when a dictionary grows) add to it.
type chunkDict struct {
	source parquet.Dictionary
	values []string
	ids    map[string]int32 // of values, built when a plain page needs it
	array  *array.String    // of values; nil when values grew
}

// read returns the next n rows of column c.
func (k *cursor) read(c Column, n int) (arrow.Array, error) {
	if k.pages == nil {
		return leftOut(c, n).array(&k.dict), nil
	}
	out := newColumn(c, n)
	for out.rows < n {
		if k.page == nil || k.at == int(k.page.NumRows()) {
			if err := k.advance(); err != nil {
				return nil, err
			}
		}
		take := min(n-out.rows, int(k.page.NumRows())-k.at)
		if err := k.take(out, take); err != nil {
			return nil, err
		}
	}
	return out.array(&k.dict), nil
}

func (k *cursor) advance() error {
	if k.page != nil {
		parquet.Release(k.page)
		k.page = nil
	}
	page, err := k.pages.ReadPage()
	if err == io.EOF {
		return errShort
	}
	if err != nil {
		return err
	}
	k.page, k.at, k.vals = page, 0, 0
	return nil
}

// take copies the next n rows of the current page.
func (k *cursor) take(out *column, n int) error {
	present := n
	if levels := k.page.DefinitionLevels(); levels != nil {
		present = out.validity(levels[k.at : k.at+n])
	} else {
		out.allPresent(n)
	}
	data := k.page.Data()
	var err error
	switch out.kind {
	case ColTraceID, ColSpanID, ColParentID:
		err = out.takeFixed(data.FixedLenByteArray, k.vals, present)
	case ColStart, ColDuration:
		out.takeInt64(data.Int64()[k.vals:k.vals+present], n)
	default:
		err = k.takeStrings(out, present, n)
	}
	out.rows += n
	k.at += n
	k.vals += present
	return err
}

func (k *cursor) takeStrings(out *column, present, n int) error {
	data := k.page.Data()
	if d := k.page.Dictionary(); d != nil {
		k.dict.load(d)
		return out.takeIndexes(data.Int32()[k.vals:k.vals+present], n, len(k.dict.values))
	}
	bytes, offsets := data.ByteArray()
	ids := make([]int32, present)
	for i := range ids {
		ids[i] = k.dict.intern(bytes[offsets[k.vals+i]:offsets[k.vals+i+1]])
	}
	return out.takeIndexes(ids, n, len(k.dict.values))
}

// load takes the strings of a chunk's dictionary, once a chunk.
func (d *chunkDict) load(src parquet.Dictionary) {
	if d.source == src {
		return
	}
	*d = chunkDict{source: src, values: make([]string, src.Len())}
	for i := range d.values {
		d.values[i] = string(src.Index(int32(i)).ByteArray())
	}
}

func (d *chunkDict) intern(b []byte) int32 {
	if d.ids == nil {
		d.ids = make(map[string]int32, len(d.values))
		for i, v := range d.values {
			d.ids[v] = int32(i)
		}
	}
	id, ok := d.ids[string(b)]
	if !ok {
		id = int32(len(d.values))
		d.values = append(d.values, string(b))
		d.ids[d.values[id]] = id
		d.array = nil
	}
	return id
}

func (d *chunkDict) arrow() *array.String {
	if d.array == nil {
		b := array.NewStringBuilder(memory.DefaultAllocator)
		b.AppendStringValues(d.values, nil)
		d.array = b.NewStringArray()
	}
	return d.array
}

// column is an Arrow column being filled: its value buffer and, once a null was
// seen, its validity bitmap.
type column struct {
	kind  Column
	rows  int
	width int
	data  []byte // width bytes a row
	valid []byte // nil: no null so far
	null  int
	mask  []byte // definition levels of the rows being taken; nil: all present
}

func newColumn(c Column, n int) *column {
	width := widthOf(c)
	return &column{kind: c, width: width, data: columnMemory.Allocate(n * width)}
}

func widthOf(c Column) int {
	switch t := Schema.Field(int(c)).Type.(type) {
	case *arrow.FixedSizeBinaryType:
		return t.ByteWidth
	case *arrow.TimestampType, *arrow.Int64Type:
		return 8
	}
	return 4
}

// nothing is what all columns that were left out share: values and bitmaps of a full
// batch, which nobody writes to.
var nothing = make([]byte, BatchRows*16)

// leftOut is a column of n nulls, at most BatchRows.
func leftOut(c Column, n int) *column {
	width := widthOf(c)
	return &column{kind: c, rows: n, null: n, width: width, data: nothing[: n*width : n*width], valid: nothing[: (n+7)/8 : (n+7)/8]}
}

// validity records which of the next rows are present and counts them.
func (c *column) validity(levels []byte) (present int) {
	c.mask = nil
	for _, l := range levels {
		present += int(l & 1)
	}
	if present == len(levels) {
		c.allPresent(present)
		return present
	}
	if c.valid == nil {
		c.valid = make([]byte, (len(c.data)/c.width+7)/8)
		setBits(c.valid, 0, c.rows)
	}
	clear(c.data[c.rows*c.width:][:len(levels)*c.width]) // of nulls nothing is taken
	for i, l := range levels {
		c.valid[(c.rows+i)/8] |= (l & 1) << ((c.rows + i) % 8)
	}
	c.mask = levels
	c.null += len(levels) - present
	return present
}

// allPresent records n rows without a null.
func (c *column) allPresent(n int) {
	c.mask = nil
	if c.valid != nil {
		setBits(c.valid, c.rows, n)
	}
}

func setBits(b []byte, from, n int) {
	for i := from; i < from+n; i++ {
		b[i/8] |= 1 << (i % 8)
	}
}

func (c *column) takeFixed(values func() ([]byte, int), from, present int) error {
	data, width := values()
	if width != c.width {
		return fmt.Errorf("values of %d bytes, want %d", width, c.width)
	}
	src := data[from*width : (from+present)*width]
	if c.mask == nil {
		copy(c.data[c.rows*width:], src)
		return nil
	}
	for i, l := range c.mask {
		if l != 0 {
			copy(c.data[(c.rows+i)*width:], src[:width])
			src = src[width:]
		}
	}
	return nil
}

func (c *column) takeInt64(src []int64, n int) {
	dst := arrow.Int64Traits.CastFromBytes(c.data)[c.rows:]
	if c.mask == nil {
		copy(dst[:n], src)
		return
	}
	scatter(dst, src, c.mask)
}

func (c *column) takeIndexes(src []int32, n, dictLen int) error {
	for _, id := range src {
		if uint32(id) >= uint32(dictLen) {
			return fmt.Errorf("dictionary index %d of %d", id, dictLen)
		}
	}
	dst := arrow.Int32Traits.CastFromBytes(c.data)[c.rows:]
	if c.mask == nil {
		copy(dst[:n], src)
		return nil
	}
	scatter(dst, src, c.mask)
	return nil
}

func scatter[T any](dst, src []T, mask []byte) {
	j := 0
	for i, l := range mask {
		if l != 0 {
			dst[i] = src[j]
			j++
		}
	}
}

// array hands the buffers to Arrow without a copy. Those that are of this column alone
// come back when it is released.
func (c *column) array(dict *chunkDict) arrow.Array {
	var valid *memory.Buffer
	if c.null > 0 {
		valid = memory.NewBufferBytes(c.valid)
	}
	values := memory.NewBufferBytes(c.data)
	if len(c.data) > 0 && &c.data[0] != &nothing[0] {
		values = memory.NewBufferWithAllocator(c.data, columnMemory)
	}
	defer values.Release()
	buffers := []*memory.Buffer{valid, values}
	typ := Schema.Field(int(c.kind)).Type
	data := array.NewData(typ, c.rows, buffers, nil, c.null, 0)
	if typ == dictType {
		data.SetDictionary(dict.arrow().Data())
	}
	defer data.Release()
	return array.MakeFromData(data)
}
