package control

import (
	"time"

	"github.com/gomscp/gomscp/mscp"
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
