// Package cpim reads and writes messages in CPIM (RFC 3862), a format in which a message
// names its sender and recipients. It also reads and writes the disposition notifications
// in such messages (IMDN, RFC 5438). It depends on neither MSRP nor SIP.
//
// [Read] takes the headers off a stream and leaves the rest as [Message].Body, in its
// form on the wire: [Message.Decoded] undoes the transfer encoding, [Message.Charset]
// names the character set. [Message.Head] and [Message.Reader] write a message. They fail
// if Read would not read a value back unchanged, for example one with a line end.
//
// [Message.Ask] requests notifications, [Message.Request] reads such a request,
// [Request.Reply] makes the notification, and [Message.Notifications] reads it.
//
// Read accepts some messages that the RFC does not allow, because deployed clients send
// them: docs/msrp.md lists them. It does not check the header Require, because a store or
// relay need not understand a message; an endpoint calls [Message.CheckRequired].
//
// MUSTS.md maps each MUST of RFC 3862, of RFC 5438, and of RFC 4975, section 13, to its
// code and tests. Headers are bounded by [MaxHeaderBytes] and [MaxHeaders], an IMDN
// document by [MaxNotification]. Nothing else is held in memory.
package cpim
