// Package e2e tests the whole cluster from outside: application server and
// media servers are processes of their own, callers and recipients are
// softphones, and the proxy is this project's own or a real Kamailio.
//
// Tests that need a peer which is not there are skipped by name; with
// GOMSCP_REQUIRE_PEERS=1 they fail instead.
package e2e
