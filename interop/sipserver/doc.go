// Package sipserver is a small SIP registrar, proxy and presence server in one, for the
// demo and for tests without a real one.
//
// It registers users, with digest authentication if they have passwords (RFC 3261, section
// 10, and RFC 8760). It relays requests to the newest contact of a user, and stays in the
// path of dialogs only with Config.RecordRoute (RFC 3261, section 16). It notifies
// subscribers of a user's presence, or of the registrations, on every change (RFC 6665, RFC
// 3856, RFC 3863, RFC 3680). With Config.ThirdParty it sends the application server a
// REGISTER on every change (3GPP TS 24.229, section 5.4.1.7). An INVITE for a user who is
// not registered goes to the application server instead of a 404 (section 2.2 of the
// paper); an INVITE from the application server gets 480.
//
// It behaves like Kamailio where that matters to an application server: SUBSCRIBE gets 200
// and a NOTIFY at once, which has no body for a user who is not registered. Each REGISTER,
// even a refresh, causes a NOTIFY with "open", and the end of the last registration one
// with "closed".
//
// Limits: it forks no request, knows one domain, and does not rewrite requests for strict
// routers (section 16.12.1.1). An INVITE without an answer of the callee ends with 408 and
// does not go to the application server. Everything is in memory, and bounded: contacts of
// a user and in all, subscriptions, and relayed requests. Beyond these, requests get 503.
//
// A [Server] is safe for concurrent use.
package sipserver
