// Package fingerprint reads, writes and compares the values of a=fingerprint: the name of
// a hash function and the hash of a certificate, "sha-256 AB:CD:…". See RFC 8122,
// section 5. Which hash functions a protocol accepts, and which it prefers, is its own
// choice.
package fingerprint
