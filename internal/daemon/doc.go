// Package daemon is what the two server binaries, mscp-as and mscp-ms, have in
// common beside their protocols: the command line, reading a YAML configuration
// strictly, logging, the admin HTTP endpoint, the trace file, reload and end by signal.
//
// It knows no SIP, MSCP or MSRP and imports no package that does, so that the
// application server does not come to link the media server's abilities through it.
package daemon
