// Package sdp takes the lines of a session description apart, and writes those of ours by
// github.com/pion/sdp. See RFC 8866.
//
// It does not read by pion/sdp, which refuses what must be read here: the protocol TCP/MS,
// which the draft has; a c= line without address type; lines in another order; a missing
// t= line or last line end. Stacks in use send all of these. The reader accepts the lines
// in any order and judges nothing but syntax: which m-lines and attributes count, and what
// is an error, is the choice of the protocol (mscp, msrp, as).
package sdp
