// Package as is the application server of the offline-message cluster: the
// one B2BUA that the SIP network sees, standing in for users who are not
// registered.
//
// It handles signalling only. For a caller's INVITE it picks a media server
// (MS) by weighted least connections, relays the caller's SDP offer to it
// byte for byte and the MS's answer back, and tells the MS over MSCP whose
// messages will arrive (RestoreMsg). When the presence server says that a
// recipient is reachable, it brings the user and the MS that keeps the
// messages together by third-party call control (RFC 3725, flow I) and starts
// the delivery (SendMsg).
//
// # Sources
//
// The flows are those of the 2010 paper (figures 2, 3 and 5) and of
// draft-mcglashan-mscp-02, sections 2.3 and 7; SIP is RFC 3261, 3264, 3265,
// 3311, 3725, 4028 and 7989; presence documents are RFC 3863.
//
// # Changes, and ends that nobody tells of
//
// A re-INVITE or UPDATE of either leg is carried to the other, and the answer back,
// also where the offer is asked for. A caller's INVITE without an offer gets the
// media server's. Session timers (RFC 4028) find who has gone without a BYE, and
// store.max_duration ends what is kept alive for ever.
//
// # MSCP over TCP or INFO
//
// With control.transport info, MSCP goes in SIP INFOs on the control dialog (draft,
// section 7.1), which has no media then. An empty INFO every few seconds tells
// whether the media server still knows the dialog.
//
// # One name in all logs
//
// A call's lines have a "session" in this server's log and in the media server's:
// the Session-ID (RFC 7989) that the caller has sent, or one of ours. It goes into
// our INVITEs, not into our responses.
//
// # Which media server
//
// A store session goes to the media server with the least Count/Weight, compared
// exactly, of equals to the first: equation (1) of the paper, section 2.3.3. A
// session counts from the choice on, and is given back wherever its set-up fails.
// One that is drained, whose channel is down, or that has failed a call a moment
// ago (store.failure_rest) is passed over, the last unless no other can be had. A
// failure has the next best tried while the caller waits. The other policies of
// the setting balancing are there for comparison: BenchmarkBalancing has figures.
//
// [Server.SetMediaServers] changes the list and the weights while the server runs,
// [Server.DrainMediaServer] keeps new sessions away from one, and
// [Server.MediaServers] tells how each is. The admin endpoint has the same: GET
// /media_servers, POST /media_servers/{name}/drain and undrain.
//
// Entries of a media server that is not configured, because it is lost or has another
// name, wait in the directory's file for the name to come back. They cost nothing
// meanwhile; the log says once how many there are, and mscp_as_unserved_entries always.
// mscp-as directory rename gives them to another name, and directory forget removes
// them.
//
// A control channel that is lost is set up again after a pause that grows, with
// jitter, and that is short again only after a channel that has lasted. What was
// outstanding on it fails at once.
//
// # Who is reachable
//
// presence.package says how the server learns it: by the presence event package
// (RFC 3856, documents of RFC 3863), by the reg event package (RFC 3680), one
// subscription for each recipient with messages in either case, or by REGISTERs
// that the registrar sends us for all users (third-party registration, as in 3GPP
// TS 24.229, section 5.4.1.7), which are taken from presence.server only.
//
// "Reachable" is level-triggered and only a hint. The call follows after push.delay,
// since the device may not be ready yet. After a failure the pauses grow from
// push.retry_min to push.retry_max, for as long as the user stays reachable; a word of
// presence that is no answer to a refresh of ours brings the next attempt forward, to
// push.retry_min after the last, since it may mean another device. A Retry-After is
// kept. One push at a time is made for a recipient. What is left while its recipient is
// back is pushed at once if the media server tells of it, as ours does, and at the end
// of the session otherwise.
//
// What a failed call says decides what waits. 403, 486 and 603 concern the sender: the
// messages of others are pushed all the same. 488, 415, 606 and the like concern what
// one media server offers, 405 and 501 the device: these, and a sender who was refused
// for good, wait until the user registers anew, or for an hour. Anything else, such as
// 480 or no answer, concerns the user, who is not called for the next message either.
//
// Subscriptions last for presence.expires. A presence server that was restarted is
// noticed by the end of a connection, by its silence, or by the first refresh of any
// recipient's that gets 481; then all subscriptions there are refreshed, at
// presence.rate. Reasons and times that it gives (RFC 6665, section 4.1.3, Retry-After,
// Min-Expires) decide when a subscription that it has refused or ended is asked for
// again; a document that cannot be read, or that is refused with 415 for its type or
// encoding, is asked for again after growing pauses. A document in a part of a
// multipart is read.
//
// At the start, the outbound proxy and the presence server are asked with OPTIONS: the
// log has one warning for each that does not answer, and one line when it does.
//
// Third-party REGISTERs are not remembered over a restart: a user is known again
// with the next refresh. Some registrars send Expires 0 when the first of several
// devices leaves; the user counts as gone then until the next refresh.
//
// # Who gets in
//
// A request that begins something (INVITE, REGISTER, OPTIONS and so on), and every
// NOTIFY, is taken from access.peers and access.trusted: addresses, ranges of them,
// and names that a TLS client certificate has proved. Others get 403 or, if there
// is a file access.users, may call with digest credentials (401; RFC 7616, RFC
// 8760). What is within a dialog has proved itself by the dialog's tags.
//
// Who left a message is what its recipient is told, so From is checked: a user's
// must be one of the file's URIs of that user, a certificate's peer must have it in
// the certificate, as user or domain (RFC 5922, section 7.1). A peer by address is
// believed. P-Asserted-Identity is taken from access.trusted only, instead of From,
// unless the caller's Privacy asks for id or user (RFC 3325); then From stands,
// while the limits still count who it is.
//
// Each of limits has its answer, with a Retry-After: 503 for the rate of one source
// (an address, of IPv6 a /64; not of access.trusted) and for calls in all, 480 for
// the rate and the calls of one caller, 486 for those to one recipient. A 503 for
// one caller's sake would have a proxy turn away from the server. Buckets are kept
// for 65536 sources and as many callers at the least. mscp_as_rejected_total counts
// by reason (stranger, credentials, from, source_rate, caller_rate, calls,
// caller_calls, recipient_calls), and the log has one line a minute for each.
//
// # TLS
//
// With a tls.certificate, SIP is taken over TLS as well, at sip.tls_listen, and
// reaches media servers and proxies whose address has transport=tls; certificates
// come from tls.ca, and a server's must name its host. With control.transport tls,
// MSCP goes over TLS, each side being known by the fingerprint in its SDP (RFC
// 8122). MSRP passes by this server: its fingerprints are in SDP bodies that are
// relayed as they are, and are as safe as the SIP that carries them. Files of a
// certificate that are replaced are used at the next connection, other files with
// a reload; tls.ca is read at the start.
//
// # Concurrency
//
// A [Server] is safe for concurrent use. One goroutine owns each media
// server's control channel, one each store session, and one each recipient
// who has messages: the latter makes that recipient's pushes one at a time.
//
// # What it keeps
//
// The [Directory] file holds which media server keeps messages for which
// (recipient, sender). An entry is on disk before the caller's INVITE is
// answered and goes away only when the media server has said that everything
// was delivered, so that a killed and restarted server forgets nobody. An
// entry may therefore outlive its messages; a push that finds nothing ends it, and so
// does the media server's word that it keeps nothing ("MsgKept", a notification of ours),
// once it has counted after all sessions of the pair.
//
// A media server of ours can be asked for its inventory: all pairs that it keeps
// messages for ([mscp.SendInventory]). The settings inventory and inventory_interval say
// when. What is
// missing in the directory is added, and what the media server keeps nothing for
// is ended, but for what sessions have changed since it was asked. So a lost or
// damaged file can be deleted, and an old copy will do. Media servers that do not
// know the request refuse it; with these, the file is all there is.
//
// # Several application servers
//
// One is at work at a time, as in the paper; another may stand by. It takes over
// with a copy of the directory, or with none and inventory always (or once), at
// the address of the first or, if the proxy is told, at its own: POST /inventory
// on its admin endpoint has it ask ([Server.AskInventories]). Sessions that were
// being set up are lost with the first; a caller whose session was up goes on
// sending to the media server, and what it leaves is in the inventory.
//
// Two may be at work with the same media servers, each with a name and a directory
// of its own, and inventory once or never. Then each pushes what came by it, every
// message arrives once, and these do not work: Count is what one of them knows, so
// that each balances its own sessions only (3 and 3 sessions over two media servers
// become 4 and 2); a recipient may be called by both at a time; what one that is
// gone has left waits until the other is told to ask. With inventory always both
// know all: messages still arrive once, since the media server delivers a pair's to
// one at a time, but each calls for everything, so half of the calls deliver
// nothing. The proxy must know both, lest one's call to a user who is gone ends up
// as a message with the other. interop/e2e has the tests: TestStandby,
// TestTwoActive.
//
// # Metrics
//
// Beside those of Go and the process: mscp_as_build_info, mscp_as_calls_total by code,
// mscp_as_call_setup_duration_seconds; by media server mscp_as_store_sessions,
// mscp_as_channel_up, mscp_as_channel_changed_timestamp_seconds, mscp_as_weight and
// mscp_as_drained; mscp_as_recipients, mscp_as_pushes_total by outcome
// (delivered; recipient, who did not take it; device, which did not take all;
// channel_down; media_server),
// mscp_as_push_duration_seconds, mscp_as_presence_notifications_total by state (open,
// closed, unreadable, refused), mscp_as_registered_users,
// mscp_as_inventories_total by outcome (complete, refused, failed) and
// mscp_as_directory_repairs_total by change (added, removed); mscp_as_held_bytes and
// mscp_as_held_limit_bytes of memory, mscp_as_held and mscp_as_refused_total by port.
//
// # The operator
//
// The admin address has a page / that lists what there is. mscp-as directory where
// URI (GET /directory) tells which media server keeps messages for a recipient, and
// whether the recipient is reachable; mscp-as deliver URI (POST /deliver) brings the
// next push to a reachable recipient forward. Requests under another name than the
// address, localhost and admin_hosts, and those from web pages of other sites, get 403.
//
// # The log
//
// At the level info, a call is one line, a store session that has ended or a call that
// was refused, and a push is one: from and to, the media server (ms), how long it took
// (seconds), and how it has ended (by, outcome, code, err). "session" is the same word
// in the lines of both servers and in the Session-ID header (RFC 7989). What happens
// in between is told at debug.
//
// # Changes of the configuration
//
// [Server.Reload], in mscp-as on SIGHUP, puts access, limits, media_servers and the
// files of the certificate in force, and names what waits for a restart. A configuration with anything wrong
// is refused as a whole.
//
// # Limits
//
// By default, whatever comes from the loopback addresses is trusted, and nobody
// else. The rates of callers and their calls have no limit by default. PRACK is not
// supported. A change of a session that the other leg does not answer in time gets
// 504 and leaves the session as it is.
package as
