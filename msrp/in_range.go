package msrp

// The payload of a chunk decides how long it is, whatever its Byte-Range says:
// its start counts, its end and its total are hints (RFC 4975, section 7.3.1)
// [RFC4975-7.3.1-3].
//
//	more bytes than the range, or the total    accepted
//	fewer, in the chunk with '$'               accepted: the message ends there
//	fewer, in another chunk                    accepted; what follows has its own start
//	a start right behind the range of the      it goes behind that chunk's payload:
//	chunk before, which had more bytes           its sender counts characters
//	a start further behind                     held until the gap is filled; if it
//	                                             is not, 413
//	bytes that arrived before                  dropped, where the handler has them;
//	                                             else the last ones count
//	a '$' chunk that ends before others        400
//	another total than in a chunk before       400: it is not the same message
//	a start of 0, or behind the total;         400: the header contradicts itself
//	an end before the start
//	no body, where the range has bytes         400

// offsetOf gives the offset of a chunk's first byte.
func (in *Incoming) offsetOf(r byteRange) int64 {
	if in.ended > in.claimed && r.start-1 == in.claimed {
		return in.ended
	}
	return r.start - 1
}

// noteRange notes where a chunk ended, and where its Byte-Range says it did.
func (in *Incoming) noteRange(k *chunk) {
	in.ended, in.claimed = k.pos, k.r.start-1+k.pos-k.begin
	if k.r.end >= 0 {
		in.claimed = k.r.end
	}
}

// checkEnd checks a chunk that has ended against its message.
func (k *chunk) checkEnd() *StatusError {
	switch {
	case k.f.flag != flagLast:
		return nil
	case k.in != nil:
		if k.in.furthest() > k.pos {
			return status(StatusBadRequest, "Not The Last Chunk")
		}
	case k.f.emptyBody() && k.pos == 0:
	case k.pos != 0 || k.r.end > 0 || k.r.total > 0:
		return status(StatusBadRequest, "No Body")
	}
	return nil
}

// uncounted gives the bytes that the sender of the last chunk counts and that are
// not there: the examples of RFC 4975 count the CRLF before the end-line, or half
// of it. A success report covers them.
func (k *chunk) uncounted() int64 {
	if short := k.in.stated - k.pos; k.in.stated == k.r.end && (short == 1 || short == 2) {
		return short
	}
	return 0
}
