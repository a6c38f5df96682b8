// Package sipp runs sipp, a SIP test tool that is not ours, as the caller of
// store sessions: it offers MSRP, takes the answer and ends the call, so that
// the signalling is checked against a foreign implementation. It sends no MSRP.
//
// It needs Debian's package sip-tester (tried with 3.6.1).
package sipp
