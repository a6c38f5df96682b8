package msrp

import "github.com/gomscp/gomscp/internal/budget"

// A Budget bounds the memory that is held for peers: bytes that were received and wait for
// a Handler, and large buffers of connections and of Sends. One Budget may serve any
// number of Listeners and sessions, see Config.Memory and SessionConfig.Memory, and what an
// application itself holds for them. Budgets may be parts of another one: what is taken
// from a part is taken from the whole.
//
// Bytes are counted as they are held, without what the runtime adds. When nothing is left,
// a message that has a buffer waits for its Handler to empty it, one that has none is
// refused with 413, connections use their small buffers, and Sends wait. A nil *Budget
// has no limit.
type Budget = budget.Budget

// NewBudget makes a budget of limit bytes that is a part of whole, or of nothing if that
// is nil.
func NewBudget(limit int64, whole *Budget) *Budget { return budget.New(limit, whole) }

// noMemory answers a message for which nothing is left of the budget.
var noMemory = status(StatusTooLarge, "No Memory For It Now")

// memory is the budget of what the session holds.
func (s *Session) memory() *Budget {
	if s.sc.Memory != nil {
		return s.sc.Memory
	}
	return s.cfg.Memory
}

// charge takes n bytes for the message; in.mu is held.
func (in *Incoming) charge(n int) bool {
	if in.returned || !in.Session.memory().Take(int64(n)) {
		return false
	}
	in.charged += int64(n)
	return true
}

// grant gives how many bytes more the pipe may hold, so that want find room if they can,
// and the pipe holds no more than limit. What is charged is the buffer for all that is
// held then, or a smaller one if that is too much. in.mu is held.
func (in *Incoming) grant(want, limit int) int {
	held := in.pipe.size()
	for size := pipeSize(min(held+want, limit), limit); size > in.granted; size = nextPipeSize(size) {
		if in.charge(size - in.granted) {
			in.granted = size
			break
		}
	}
	return in.granted - held
}

// shrinkPipe gives a large buffer back once it is empty; in.mu is held.
func (in *Incoming) shrinkPipe() {
	if in.granted <= pipeMin || !in.pipe.empty() || in.pipe.lent > 0 || in.returned {
		return
	}
	in.pipe.discard()
	in.uncharge(in.granted)
	in.granted = 0
}

func (in *Incoming) uncharge(n int) {
	in.charged -= int64(n)
	in.Session.memory().Give(int64(n))
}

// chargeHeld takes what is missing for size bytes that came ahead of their turn.
func (in *Incoming) chargeHeld(size int) bool {
	more := size - in.heldCharged
	if more <= 0 {
		return true
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if !in.charge(more) {
		return false
	}
	in.heldCharged = size
	return true
}

// unchargeAll gives all back when the handler has returned; in.mu is held.
func (in *Incoming) unchargeAll() {
	in.uncharge(int(in.charged))
}
