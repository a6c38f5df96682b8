// Package arrivals remembers for which pairs the application server (AS) knows that
// something is kept, so that it is notified of the first message only.
//
//	Note          a message has come, or a delivery begins: is the pair new?
//	Look          a delivery looks for messages: it takes those that have come so far
//	Forget        a session or delivery has ended: has one come since the last Look?
package arrivals
