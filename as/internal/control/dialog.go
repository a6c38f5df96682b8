package control

import (
	"context"
	"time"

	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/sipua"
)

// A Channel carries MSCP to one media server: over TCP, or over SIP INFO.
type Channel interface {
	mscp.Doer
	Done() <-chan struct{} // closed when it has ended
	Err() error            // why
}

const (
	sdpType = "application/sdp"

	// byeTimeout bounds how long the end of one SIP dialog is waited for.
	byeTimeout = 5 * time.Second
)

// endCall ends a SIP dialog within a bounded time, whoever's context is over.
func endCall(call *sipua.Call) {
	ctx, cancel := context.WithTimeout(context.Background(), byeTimeout)
	defer cancel()
	_ = call.Bye(ctx) // the peer may be gone; the dialog is over all the same
}
