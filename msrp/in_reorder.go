package msrp

import "time"

// heldBody is a run of bytes that arrived ahead of a gap.
type heldBody struct {
	at   int64
	data []byte
}

func (h heldBody) endOffset() int64 { return h.at + int64(len(h.data)) }

// holdPiece keeps a piece until the bytes before it have arrived. It replaces bytes
// already held; those that the handler has can no longer be changed
// (RFC 4975, section 7.3.1). What is held of a message is bounded by maxHeldBytes and
// maxHeldRanges; beyond that the message is refused.
func (in *Incoming) holdPiece(at int64, p []byte) *StatusError {
	in.noteActive()
	i := 0
	for len(p) > 0 {
		for i < len(in.held) && in.held[i].endOffset() <= at {
			i++
		}
		n := len(p)
		if i < len(in.held) {
			h := in.held[i]
			if h.at <= at { // overlaps: the last one counts
				n = int(min(int64(n), h.endOffset()-at))
				copy(h.data[at-h.at:], p[:n])
				at, p = at+int64(n), p[n:]
				continue
			}
			n = int(min(int64(n), h.at-at))
		}
		if in.heldSize+n > maxHeldBytes {
			return status(StatusTooLarge, "Too Much Out Of Order")
		}
		if !in.chargeHeld(in.heldSize + n) {
			return noMemory
		}
		if i > 0 && in.held[i-1].endOffset() == at {
			in.held[i-1].data = append(in.held[i-1].data, p[:n]...)
		} else {
			if len(in.held) >= maxHeldRanges {
				return status(StatusTooLarge, "Too Much Out Of Order")
			}
			in.held = append(in.held, heldBody{})
			copy(in.held[i+1:], in.held[i:])
			in.held[i] = heldBody{at, append([]byte(nil), p[:n]...)}
		}
		in.heldSize += n
		at, p = at+int64(n), p[n:]
	}
	return nil
}

// deliverHeld delivers held bytes that no gap is before any more.
func (in *Incoming) deliverHeld() *StatusError {
	for len(in.held) > 0 && in.held[0].at <= in.received {
		h := in.held[0]
		in.held = in.held[1:]
		in.heldSize -= len(h.data)
		if h.endOffset() <= in.received {
			continue
		}
		if se := in.deliver(h.data[in.received-h.at:]); se != nil {
			return se
		}
	}
	return nil
}

// furthest is the offset behind the last byte that has arrived.
func (in *Incoming) furthest() int64 {
	if n := len(in.held); n > 0 {
		return max(in.received, in.held[n-1].endOffset())
	}
	return in.received
}

// noteActive notes that the sender is not silent.
func (in *Incoming) noteActive() {
	in.mu.Lock()
	in.active = time.Now()
	in.mu.Unlock()
}

// setLast keeps the answer to the chunk with '$' until the others are there.
func (in *Incoming) setLast(r replyTo) {
	in.mu.Lock()
	if in.last != nil { // it was sent twice
		in.acks = append(in.acks, ack{in.size, *in.last, in.lastSince})
	}
	in.last, in.lastSince = &r, in.since()
	in.answerSoon()
	in.mu.Unlock()
}

func (in *Incoming) popLast() *replyTo {
	in.mu.Lock()
	defer in.mu.Unlock()
	r := in.last
	in.last = nil
	return r
}
