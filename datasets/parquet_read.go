package datasets

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sort"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/scale-eval/scale-eval/datasets/trace"
)

// ParquetReader reads the Parquet form of Schema into record batches. It copies
// whole pages and never decodes the columns that were not asked for.
//
// Cost: about 100 ns a span for all columns, 20 for the ones a sampler needs
// (BenchmarkParquetRead).
type ParquetReader struct {
	name   string
	file   *parquet.File
	closer io.Closer
	want   Columns
	leaf   [NumColumns]int // column index in the file; -1: the file has none
	whole  Columns         // that cannot have a null
	group  int             // next row group
	cur    *rowGroup
	row    int64 // rows handed out, refused or passed over so far
	passed int64 // rows of the file that were decoded or pruned so far
	end    int64 // row to stop before
	where  Where
	bad    trace.Bad
	strict bool
}

// parquetKinds are the physical types that the columns must have.
var parquetKinds = [NumColumns]parquet.Kind{
	parquet.FixedLenByteArray, parquet.FixedLenByteArray, parquet.FixedLenByteArray,
	parquet.ByteArray, parquet.ByteArray, parquet.Int64, parquet.Int64,
	parquet.ByteArray, parquet.ByteArray,
}

// parquetRequired are the columns without which a file is not a span dataset.
var parquetRequired = ColumnsOf(ColService, ColOperation, ColStart, ColDuration)

// NewParquetReader opens a file of size bytes. name is used in messages; closer
// may be nil. Extra columns are ignored; a missing required column or a wrong
// type is an error that names the column, what was found and what is wanted.
func NewParquetReader(r io.ReaderAt, size int64, closer io.Closer, name string, want Columns, strict bool) (pr *ParquetReader, err error) {
	defer recoverParquet(name, &err)
	if err := checkFooter(r, size); err != nil {
		return nil, fmt.Errorf("%s: not a readable Parquet file: %w", name, err)
	}
	f, err := parquet.OpenFile(r, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, fmt.Errorf("%s: not a readable Parquet file: %w", name, err)
	}
	pr = &ParquetReader{name: name, file: f, closer: closer, want: want, strict: strict, end: f.NumRows()}
	for c := range NumColumns {
		if pr.leaf[c], err = findLeaf(f.Schema(), c); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if leaf, ok := f.Schema().Lookup(Schema.Field(int(c)).Name); ok && leaf.MaxDefinitionLevel == 0 {
			pr.whole |= ColumnsOf(c)
		}
	}
	return pr, nil
}

// checkFooter refuses a footer longer than the file, for which the library would
// allocate before it looks.
func checkFooter(r io.ReaderAt, size int64) error {
	var tail [8]byte
	if size < 12 {
		return fmt.Errorf("%d bytes, too short for a footer", size)
	}
	if _, err := r.ReadAt(tail[:], size-8); err != nil {
		return fmt.Errorf("reading the footer: %w", err)
	}
	if string(tail[4:]) != "PAR1" {
		return errors.New("it does not end in PAR1: the file is another format, or its writing was cut short")
	}
	if n := int64(binary.LittleEndian.Uint32(tail[:4])); n > size-12 {
		return fmt.Errorf("its footer claims %d bytes in a file of %d", n, size)
	}
	return nil
}

func findLeaf(schema *parquet.Schema, c Column) (int, error) {
	field := Schema.Field(int(c)).Name
	leaf, ok := schema.Lookup(field)
	if !ok {
		if parquetRequired.Has(c) {
			return 0, fmt.Errorf("no column %q; it has %v. Convert the file with: scale-eval datasets convert", field, columnNames(schema))
		}
		return -1, nil
	}
	typ := leaf.Node.Type()
	if typ.Kind() != parquetKinds[c] || leaf.MaxRepetitionLevel > 0 || leaf.MaxDefinitionLevel > 1 {
		return 0, fmt.Errorf("column %q is %v, want %v (flat)", field, leaf.Node, parquetKinds[c])
	}
	if fs, ok := Schema.Field(int(c)).Type.(*arrow.FixedSizeBinaryType); ok && typ.Length() != fs.ByteWidth {
		return 0, fmt.Errorf("column %q has values of %d bytes, want %d", field, typ.Length(), fs.ByteWidth)
	}
	if c == ColStart && !isNanoseconds(typ) {
		return 0, fmt.Errorf("column %q is %v, want a timestamp in nanoseconds", field, typ)
	}
	return leaf.ColumnIndex, nil
}

func isNanoseconds(typ parquet.Type) bool {
	lt := typ.LogicalType()
	if lt == nil {
		return false
	}
	ts, ok := lt.Value.(*format.TimestampType)
	if !ok {
		return false
	}
	_, ok = ts.Unit.Value.(*format.NanoSeconds)
	return ok
}

func columnNames(schema *parquet.Schema) (names []string) {
	for _, f := range schema.Fields() {
		names = append(names, f.Name())
	}
	return names
}

// recoverParquet turns a panic of the Parquet library on a corrupt file into an
// error: what is on disk is not under our control.
func recoverParquet(name string, err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%s: corrupt Parquet file: %v", name, p)
	}
}

// Only makes r hand out rows [from, to) of the file, counted from 0, and of those the
// ones that where holds of. Row groups without such a row are not decoded. It must come
// before the first Next.
func (r *ParquetReader) Only(from, to int64, where Where) {
	r.row, r.end, r.where = from, min(to, r.file.NumRows()), where
}

// NumRows is the number of rows that the footer states.
func (r *ParquetReader) NumRows() int64 { return r.file.NumRows() }

// GroupRows is the number of rows of each row group: a reader that begins in the middle
// of one decodes it from its first row on.
func (r *ParquetReader) GroupRows() (rows []int64) {
	for _, g := range r.file.RowGroups() {
		rows = append(rows, g.NumRows())
	}
	return rows
}

// Bad is the tally of refused rows.
func (r *ParquetReader) Bad() *trace.Bad { return &r.bad }

// Close closes the file.
func (r *ParquetReader) Close() error {
	if r.cur != nil {
		r.cur.close()
	}
	if r.closer == nil {
		return nil
	}
	return r.closer.Close()
}

// Next returns the next batch; batches do not cross row groups.
func (r *ParquetReader) Next() (rec arrow.Record, err error) {
	defer recoverParquet(r.name, &err)
	for {
		if r.row >= r.end {
			return nil, io.EOF
		}
		if err := r.openNext(); err != nil {
			return nil, err
		}
		rec, err = r.cur.next(min(BatchRows, r.cur.left))
		if err != nil {
			return nil, fmt.Errorf("%s: row group %d, after row %d: %w", r.name, r.group-1, r.row, err)
		}
		if r.cur.left == 0 {
			r.cur.close()
			r.cur = nil
		}
		if rec = r.trim(rec); rec == nil {
			continue
		}
		if rec, err = r.vet(rec); err != nil {
			return nil, err
		}
		if rec.NumRows() > 0 {
			return rec, nil
		}
		rec.Release()
	}
}

// openNext opens the next row group with a row that is asked for, unless one is open.
func (r *ParquetReader) openNext() (err error) {
	for groups := r.file.RowGroups(); r.cur == nil; r.group++ {
		if r.group >= len(groups) {
			return io.EOF
		}
		g := groups[r.group]
		if r.passed+g.NumRows() <= r.row || !r.where.mayHold(g, &r.leaf) {
			r.passed += g.NumRows()
			r.row = max(r.row, r.passed)
			continue
		}
		if r.cur, err = r.openGroup(g); err != nil {
			return fmt.Errorf("%s: row group %d: %w", r.name, r.group, err)
		}
	}
	return nil
}

// trim leaves out the rows of a batch before and behind those that were asked for, nil
// if that is all of them.
func (r *ParquetReader) trim(rec arrow.Record) arrow.Record {
	first, n := r.passed, rec.NumRows()
	r.passed += n
	from, to := min(max(r.row-first, 0), n), min(max(r.end-first, 0), n)
	if from == 0 && to == n {
		return rec
	}
	defer rec.Release()
	if from >= to {
		return nil
	}
	return rec.NewSlice(from, to)
}

// vet holds Parquet rows to the same rules as every other format. The commonest
// case, a batch without a bad row, is one scan of two columns.
func (r *ParquetReader) vet(rec arrow.Record) (arrow.Record, error) {
	first := r.row
	r.row += rec.NumRows()
	if !r.hasBad(rec) && r.where.All() {
		return rec, nil
	}
	b := NewBuilder(memory.DefaultAllocator)
	defer b.Release()
	rows := newRows(rec)
	defer rows.release()
	rows.calls = trace.NewCalls(1, nil)
	one := make([]trace.Span, 1)
	for i := range rows.n {
		s := &one[0]
		rows.fill(one, i)
		rows.nameCall(s, i)
		if e := r.badRow(rec, rows, s, i, first+int64(i)+1); e != nil {
			r.bad.Add(e)
			if r.strict {
				return nil, e
			}
			continue
		}
		if r.where.holds(s) {
			b.Append(s)
		}
	}
	return b.Record(), nil
}

func (r *ParquetReader) hasBad(rec arrow.Record) bool {
	for _, c := range []Column{ColService, ColOperation, ColStart, ColDuration} {
		if r.want.Has(c) && rec.Column(int(c)).NullN() > 0 {
			return true
		}
	}
	if r.want.Has(ColDuration) {
		for _, d := range rec.Column(int(ColDuration)).(*array.Int64).Int64Values() {
			if d < 0 {
				return true
			}
		}
	}
	for _, name := range dictOf(rec.Column(int(ColLabel))).values {
		if _, err := trace.ParseLabel(name); err != nil {
			return true
		}
	}
	return false
}

func (r *ParquetReader) badRow(rec arrow.Record, rows *rows, s *trace.Span, i int, row int64) *trace.RowError {
	for _, c := range []Column{ColService, ColOperation, ColStart, ColDuration} {
		if r.want.Has(c) && rec.Column(int(c)).IsNull(i) {
			return &trace.RowError{File: r.name, Row: row, Field: Schema.Field(int(c)).Name, Msg: "null, want a value"}
		}
	}
	if s.Duration < 0 {
		return &trace.RowError{File: r.name, Row: row, Field: "duration", Msg: fmt.Sprintf("%d ns: a span cannot end before it starts", s.Duration)}
	}
	if !rows.label.nulls.at(i) {
		if _, err := trace.ParseLabel(rows.label.at(i)); err != nil {
			return &trace.RowError{File: r.name, Row: row, Field: "label", Msg: err.Error()}
		}
	}
	return nil
}

// rowGroup is one row group being read, a cursor a column.
type rowGroup struct {
	left int // rows not yet returned
	cols [NumColumns]cursor
}

func (r *ParquetReader) openGroup(g parquet.RowGroup) (*rowGroup, error) {
	rg := &rowGroup{left: int(g.NumRows())}
	chunks := g.ColumnChunks()
	for c := range NumColumns {
		if r.leaf[c] >= 0 && r.want.Has(c) {
			rg.cols[c].pages = chunks[r.leaf[c]].Pages()
		}
	}
	return rg, nil
}

func (g *rowGroup) close() {
	for i := range g.cols {
		if g.cols[i].pages != nil {
			g.cols[i].pages.Close()
		}
	}
}

// next reads n rows of every column.
func (g *rowGroup) next(n int) (arrow.Record, error) {
	cols := make([]arrow.Array, NumColumns)
	defer func() {
		for _, c := range cols {
			if c != nil {
				c.Release()
			}
		}
	}()
	for c := range NumColumns {
		a, err := g.cols[c].read(c, n)
		if err != nil {
			return nil, fmt.Errorf("column %q: %w", Schema.Field(int(c)).Name, err)
		}
		cols[c] = a
	}
	g.left -= n
	return array.NewRecord(Schema, cols, int64(n)), nil
}

var errShort = errors.New("the column ends before the row group does")

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
