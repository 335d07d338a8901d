package hst
func (l *Line) Snapshot() []byte { return nil }
func RestoreLine(b []byte, max int64) (*Line, error) { return nil, nil }
func (l *Line) MemoryBytes() int64 { return 0 }
