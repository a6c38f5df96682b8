// Package kamailio runs a real Kamailio as registrar, proxy and presence
// server for tests, with a configuration of the project's own: an INVITE for a
// user who is not registered goes to the application server; a registration
// publishes the user's presence (pua_usrloc), of which the application server
// is notified.
//
// It needs Debian's packages kamailio and kamailio-presence-modules (tried with
// 5.6.3). Its tables are text files in a folder of the caller's, since sqlite
// loses notifications when several workers write.
package kamailio
