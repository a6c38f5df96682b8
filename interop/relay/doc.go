// Package relay sends messages through Kamailio's msrp module, as a client of
// a relay (RFC 4976) that is not ours. It holds tests only.
//
// It needs Debian's packages kamailio and kamailio-extra-modules (tried with
// 5.6.3). Without them the tests are skipped, or fail if GOMSCP_REQUIRE_PEERS
// is 1.
package relay
