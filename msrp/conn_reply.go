package msrp

// replyTo is what is needed to answer a request later.
type replyTo struct {
	tid      string
	to, from string // of the response
	wants    FailureReport
	silent   bool     // REPORT is never answered
	binds    *Session // the session that the request has bound
}

func (c *conn) replyTo(f *frame) replyTo {
	r := replyTo{tid: f.tid, to: f.hop, from: f.target, wants: f.failureReport, silent: f.method == "REPORT", binds: f.binds}
	if f.method != "SEND" {
		r.to = f.from.String() // the whole path back; for SEND the previous hop alone [RFC4975-7.2-1]
		r.wants = FailureYes   // Failure-Report is a header of SEND
	}
	return r
}

// reply answers a request, with 200 if se is nil, if an answer is wanted. The
// session that it has bound may send behind the answer.
func (c *conn) reply(r replyTo, se *StatusError) {
	if r.binds != nil {
		defer r.binds.openSending()
	}
	code, reason := StatusOK, "OK"
	if se != nil {
		code, reason = se.Code, se.reason()
	}
	// [RFC4975-7.1.4-1] [RFC4975-7.1.4-2]
	if r.silent || r.wants == FailureNo || r.wants == FailurePartial && code == StatusOK {
		return
	}
	f := controlPool.Get().(*outFrame)
	f.tid, f.flag, f.pooled = r.tid, flagLast, true
	f.head = appendResponse(f.head, r.tid, code, reason, r.to, r.from) // [RFC4975-7.2-2] [RFC4975-7.2-3]
	c.queueControl(f)
}
