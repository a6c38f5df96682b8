// Package load makes store calls at a chosen rate, from INVITE to BYE with one MSRP
// message in each, and tells how many succeed and how long their set-up takes. A
// [Caller] does its own SIP and MSRP with as little work as it can, so that what is
// measured is the servers.
//
// Beside the cluster it can call a bare [Relay] and [Answerer]: the same two legs over
// sipgo, without MSCP, MSRP or any of our packages, which is the limit that the
// cluster's figures are held against, in the same run.
//
// The measurements themselves are tests behind a flag:
//
//	go test ./interop/internal/load -run TestLoad -load -v -timeout 30m
//	go test ./interop/internal/load -run TestLogCost -load -v -timeout 30m [-log-other DIR]
//	go test ./interop/internal/load -run TestHostile -load -v -timeout 30m
//	go test ./interop/internal/load -run TestHold -load -hold-calls 10000 -hold 5m -v -timeout 30m
//
// Without the flag they run for a moment, at a rate and with a number of calls that
// any machine has.
package load
