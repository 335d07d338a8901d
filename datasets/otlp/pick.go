package otlp

import "google.golang.org/protobuf/encoding/protowire"

// Picker builds a TracesData of some of the spans of a message, whole, with their
// resource and scope as they came, fields that nobody here knows included. Spans
// of one ScopeSpans that are added one after the other share it.
// The zero value is empty. Not safe for concurrent use.
type Picker struct {
	out      []byte // finished ResourceSpans
	resource []byte // the open ResourceSpans: what is not in a scope, then finished scopes
	scope    []byte // the open ScopeSpans

	inResource, inScope *byte // where the messages lie that are open: their identity
	spans               int
}

// Add picks the span whose bytes are raw, of the ScopeSpans scope of the
// ResourceSpans rs, none of which may be empty. The bytes are copied.
func (p *Picker) Add(rs, scope, raw []byte) {
	if p.inResource != &rs[0] {
		p.closeResource()
		p.inResource, p.resource = &rs[0], appendOthers(p.resource, rs, resourceSpansScopeSpans)
	}
	if p.inScope != &scope[0] {
		p.closeScope()
		p.inScope, p.scope = &scope[0], appendOthers(p.scope, scope, scopeSpansSpans)
	}
	p.scope = appendField(p.scope, scopeSpansSpans, raw)
	p.spans++
}

// Spans is how many are in it.
func (p *Picker) Spans() int { return p.spans }

// Take is the message, which stays valid; the Picker is empty after it.
func (p *Picker) Take() []byte {
	p.closeResource()
	out := p.out
	p.out, p.spans = nil, 0
	return out
}

func (p *Picker) closeScope() {
	if p.inScope != nil {
		p.resource = appendField(p.resource, resourceSpansScopeSpans, p.scope)
	}
	p.inScope, p.scope = nil, p.scope[:0]
}

func (p *Picker) closeResource() {
	p.closeScope()
	if p.inResource != nil {
		p.out = appendField(p.out, tracesDataResourceSpans, p.resource)
	}
	p.inResource, p.resource = nil, p.resource[:0]
}

func appendField(dst []byte, tag uint64, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendVarint(dst, tag), v)
}

// appendOthers appends the fields of msg but those of tag.
func appendOthers(dst, msg []byte, tag uint64) []byte {
	f := fields{b: msg}
	for from := msg; f.next(); from = f.b {
		if f.tag != tag {
			dst = append(dst, from[:len(from)-len(f.b)]...)
		}
	}
	return dst
}
