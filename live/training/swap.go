package training

import "github.com/scale-eval/scale-eval/datasets/trace"

// Swap is a sampler whose model can be exchanged between two spans. Like every
// sampler it is not safe for concurrent use: Set it where Sample is called.
type Swap struct{ model Model }

var _ trace.Sampler = (*Swap)(nil)

// Set makes m the model; nil: there is none.
func (s *Swap) Set(m Model) { s.model = m }

// Model is the current model; nil: there is none.
func (s *Swap) Model() Model { return s.model }

// Sample asks the model. Without one it says WarmUp and keeps nothing.
func (s *Swap) Sample(span *trace.Span) trace.Decision {
	if s.model == nil {
		return trace.Decision{WarmUp: true}
	}
	return s.model.Sample(span)
}

// Learn teaches the model, if there is one.
func (s *Swap) Learn(span *trace.Span) {
	if s.model != nil {
		s.model.Learn(span)
	}
}
