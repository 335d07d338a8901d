package live

import "strings"

// peerKeys are the attributes that name who a client span calls, best first
// (OpenTelemetry semantic conventions, current and former).
var peerKeys = [...]string{"service.peer.name", "peer.service", "db.system.name", "db.system", "messaging.system"}

// maxPeers bounds the names that are kept; further ones have no name.
const maxPeers = 4096

// peers interns the names of callees that send no spans themselves.
type peers struct {
	ids   map[string]uint16
	names []string
}

// of is the number of the peer that a client or producer span names, 0 for none.
func (p *peers) of(s *Span) uint16 {
	if s.SpanKind != KindClient && s.SpanKind != KindProducer || len(s.Attributes) == 0 {
		return 0
	}
	for _, key := range peerKeys {
		if v, ok := s.Attr(key); ok && v != "" && len(v) <= MaxName {
			return p.intern(v)
		}
	}
	return 0
}

func (p *peers) intern(name string) uint16 {
	if id, ok := p.ids[name]; ok {
		return id
	}
	if len(p.names) >= maxPeers {
		return 0
	}
	if p.ids == nil {
		p.ids = map[string]uint16{}
	}
	name = strings.Clone(name)
	p.names = append(p.names, name)
	p.ids[name] = uint16(len(p.names))
	return uint16(len(p.names))
}

func (p *peers) name(id uint16) string { return p.names[id-1] }
