package strictpeer

import "time"

const (
	maxSIP   = 65535   // bytes of a SIP message
	maxLine  = 8 << 10 // bytes of a line
	maxQueue = 1000    // messages that wait for their reader
	dialWait = 5 * time.Second
)
