// Package simnet is an IP network in memory, for tests. Its hosts have TCP and UDP
// sockets. A test can cut, reset, stall, slow down and half-close them, and can end all
// sockets of a host at once, like the end of a process. No call blocks in the operating
// system, and all waits and deadlines use package time. So several servers can run in one
// bubble of testing/synctest, in virtual time.
package simnet
