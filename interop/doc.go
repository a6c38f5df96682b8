// Package interop holds what runs the parts of this project against each other
// and against others: the demo, the softphone, a small SIP server, a real
// Kamailio and sipp, and the tests of the whole cluster. See its folders.
package interop
