// Package daemon is the common part of the two server binaries, mscp-as and mscp-ms: the
// command line, the strict reader of a YAML configuration, logging, the admin HTTP
// endpoint, the trace file, reload, and the end by a signal.
//
// It has no SIP, MSCP or MSRP and imports no package that has, so that the application
// server does not link code of the media server through it.
package daemon
