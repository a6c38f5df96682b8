// Package demo runs a cluster on loopback and shows its messages: an application server
// and two media servers as separate processes, a small proxy, and two softphones. One
// user leaves messages for another one, who is absent and then registers.
//
// Every SIP, MSCP and MSRP message is drawn as it happens, as in the paper's figures 2, 3
// and 5. At the end, the demo checks that all messages arrived and that the stores are
// empty.
package demo
