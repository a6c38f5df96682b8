// Package presence learns which recipients can be reached: from a presence server (event
// package presence, RFC 3856 and 3863), from a registrar's reg event package (RFC 3680), or
// from the REGISTERs that a registrar sends (third-party registration).
//
// What it says is a hint, and level-triggered: a notice may be repeated or lost, and the user
// may be gone by the time of the call.
package presence
