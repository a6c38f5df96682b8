// Package strictpeer is a user agent for messages over SIP and MSRP that is as strict
// as the strictest clients in use, for tests of this project from outside.
//
// It shares no code with the packages that it tests: it reads and writes SIP, SDP,
// MSRP and CPIM as bytes, by itself, so that a misreading of ours does not hide
// behind itself. Its habits follow recordings of SIP SIMPLE clients, msrplib,
// msrp-java, node-lib, tinyMSRP and nio-msrp; Options choose among them.
//
// A Phone registers, calls (Call) and is called (Received). Whatever it sees that a
// specification forbids is a fault (Faults). What those clients refuse, it refuses
// in their way.
package strictpeer
