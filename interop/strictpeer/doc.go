// Package strictpeer is a user agent for messages over SIP and MSRP, for tests of this
// project from outside. It is as strict as the strictest deployed clients.
//
// It shares no code with the packages under test: it reads and writes SIP, SDP, MSRP and
// CPIM as bytes, so that an error in those packages does not hide itself. Its behaviour
// follows recordings of SIP SIMPLE clients, msrplib, msrp-java, node-lib, tinyMSRP and
// nio-msrp. Options select among their habits.
//
// A Phone registers, makes calls (Call) and receives calls (Received). Each violation of
// a specification by the other side is a fault (Faults). The phone refuses what these
// clients refuse, in the same way.
package strictpeer
