// Package otr recognizes the messages that clients with Off-the-Record Messaging
// (OTR) send by themselves. They have no use for an absent recipient.
//
// The package does not decrypt anything. It looks at the begin of a text only; see
// "Off-the-Record Messaging Protocol version 3" and version 4.
package otr
