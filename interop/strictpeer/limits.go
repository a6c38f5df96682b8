package strictpeer

import "time"

const (
	maxSIP     = 65535            // bytes of a SIP message
	maxLine    = 8 << 10          // bytes of a line
	maxFields  = 64               // header fields of an MSRP request
	maxMessage = 16 << 20         // bytes of a received message
	maxQueue   = 1000             // messages that wait for their reader
	dialWait   = 5 * time.Second  // for a connection
	answerWait = 30 * time.Second // for a response, a report or an ACK
	t1         = 500 * time.Millisecond
)
