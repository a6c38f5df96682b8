// Package cluster builds and runs an application server and media servers as
// processes of their own, for the demo and for tests: it writes their
// configuration files, collects their logs and traces, and can kill and
// restart each of them.
//
// Everything binds loopback addresses. A [Cluster] is safe for concurrent use.
package cluster
