// Package sdp takes the lines of a session description apart, and writes those of ours.
// See RFC 8866.
//
// The reader accepts the lines in any order, since stacks in use get the order wrong. It
// judges nothing but syntax: which m-lines and attributes count, and what is an error, is
// the choice of the protocol (mscp, msrp, as).
package sdp
