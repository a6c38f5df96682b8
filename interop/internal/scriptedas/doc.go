// Package scriptedas is an application server for tests of the conformance runner.
//
// It does what draft-mcglashan-mscp-02 and the paper demand of an application server,
// over TCP and loopback alone, and can be told to break one rule (Config.Fault). It
// shares no code with packages as, mscp and sipua: SIP comes from the strict peer, SDP,
// PDUs and documents are read and written here.
//
// It serves three kinds of calls: to a user who is not registered (a store session, later
// a push session), to sip:dialog@DOMAIN (a dialog on the caller's connection), and to
// sip:room@DOMAIN (a conference).
package scriptedas
