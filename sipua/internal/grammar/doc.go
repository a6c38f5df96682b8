// Package grammar reads and writes the values of SIP header fields: tokens, quoted
// strings, lists, addresses, parameters and numbers of seconds. See RFC 3261, sections 7
// and 25.1.
package grammar
