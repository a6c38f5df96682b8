// Package softphone is a small SIP and MSRP user agent for the command line
// and for tests: it registers, calls somebody to leave messages, and takes
// calls that deliver messages.
//
// It stands on packages sipua and msrp, so it shows how they are used
// together; it is no independent peer of theirs.
//
// A [Phone] is safe for concurrent use.
package softphone
