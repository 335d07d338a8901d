package live

// Outcome is what became of a decision.
type Outcome string

// The outcomes.
const (
	Acted   Outcome = "acted"   // the orchestrator did it
	DryRan  Outcome = "dry-run" // the orchestrator would have done it
	Held    Outcome = "held"    // nothing was done; Reason says why
	Failed  Outcome = "failed"  // the orchestrator refused; Err says why
	noHold  Reason  = ""
	maxText         = 400 // bytes of an orchestrator's error that are kept
)

// Reason is why a decision is held.
type Reason string

// The reasons, in the order in which they are looked for.
const (
	ReasonPending    Reason = "pending"    // the traces that would show the cause are still open
	ReasonBlame      Reason = "blame"      // another service is the cause, and the rule does not redirect
	ReasonElsewhere  Reason = "elsewhere"  // neither replicas nor resources would help
	ReasonUnknown    Reason = "unknown"    // what the amount depends on is not known
	ReasonDependency Reason = "dependency" // a service of not_while is the cause or is in trouble
	ReasonSettle     Reason = "settle"     // the last action on the target has yet to show
	ReasonNoTarget   Reason = "no-target"  // nothing is known that scales the service
	ReasonNoChange   Reason = "no-change"  // it is that size already, or at its bounds
	ReasonMissing    Reason = "missing"    // larger replicas are not asked for while some are not ready
	ReasonTrouble    Reason = "trouble"    // another rule fires on the target: it is not made smaller
	ReasonSilence    Reason = "silence"    // no spans: nothing is known
	ReasonStabilise  Reason = "stabilise"  // not wanted for long enough
	ReasonCooldown   Reason = "cooldown"
	ReasonRate       Reason = "rate-limit"
	ReasonOwned      Reason = "owned"   // another controller scales the target
	ReasonStandby    Reason = "standby" // another replica of this program acts
)

// Decision is what one tick decided about one target.
type Decision struct {
	Action
	Outcome Outcome `json:"outcome"`
	Reason  Reason  `json:"reason,omitempty"` // of Held
	Err     string  `json:"error,omitempty"`  // of Failed, ReasonOwned and ReasonStandby
}

// String is one paragraph: what, and why.
func (d *Decision) String() string {
	s := string(d.Outcome)
	if d.Reason != noHold {
		s += " (" + string(d.Reason) + ")"
	}
	if d.Target.IsZero() {
		s += ": service " + d.Service
	} else {
		s += ": " + d.Action.String()
	}
	if d.Err != "" {
		s += ": " + d.Err
	}
	return s + ": " + d.Why.String()
}
