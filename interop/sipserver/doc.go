// Package sipserver is a small SIP registrar, proxy and presence server in one,
// for the demo and for tests where no real one is at hand.
//
// It registers users, with digest authentication if they have passwords (RFC
// 3261 section 10, RFC 8760); relays requests to the newest contact of a user,
// transaction by transaction, staying in the path of dialogs only if told to (section
// 16); and notifies subscribers of a user's presence, or of the registrations
// themselves, whenever the user's registration changes (RFC 6665, RFC 3856, RFC
// 3863, RFC 3680). If told to, it also sends the application server a REGISTER
// of its own on every change (3GPP TS 24.229, section 5.4.1.7). An INVITE for a user who
// is not registered goes to the application server, instead of a 404, as the
// paper's section 2.2 wants; one that comes from there gets 480.
//
// It behaves like Kamailio where that matters to an application server:
// SUBSCRIBE gets 200 and a NOTIFY at once, which has no body for a user who is
// not registered; a REGISTER, also one that only refreshes, tells "open", and
// the end of the last registration "closed".
//
// Limits. It forks no request and knows one domain; it does not rewrite
// requests for strict routers (section 16.12.1.1). An INVITE whose callee does not answer ends in 408; it is not sent
// to the application server then. Everything is in memory, and bounded: contacts
// per user and in all, subscriptions, and requests on their way; what exceeds
// that gets 503.
//
// A [Server] is safe for concurrent use.
package sipserver
