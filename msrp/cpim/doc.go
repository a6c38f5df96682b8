// Package cpim reads and writes messages in CPIM (RFC 3862), which say who sent
// what to whom, and the disposition notifications that travel in them (IMDN, RFC
// 5438). It is the only reader and the only writer of both formats here, and
// knows neither MSRP nor SIP.
//
// MUSTS.md, beside this file, lists each MUST of RFC 3862 and 5438, and of RFC
// 4975, section 13, with the line that does it and its tests.
//
// # Reading
//
// [Read] takes the headers off a stream and leaves the rest as [Message.Body].
// The headers end where this table says; a "block" is the lines up to a blank
// one:
//
//	first block                         second block            what is done
//	only MIME headers, message/cpim     any                     dropped: it is the message's own; the table begins again
//	message headers                     has Content-… or        MIME headers; the body follows (RFC 3862, 2)
//	                                    MIME-Version
//	message headers                     empty                   no MIME headers: text/plain; the body follows (RFC 2046, 5.1)
//	message headers                     other lines             the MIME headers are missing: text/plain; the second block
//	                                                            is the begin of the body
//	message and MIME headers,           any                     MIME headers are told by name (RFC 4975, 11.4; RFC 5438,
//	Content-Type among these                                    7.1.1.3); the second block is the begin of the body
//	message and MIME headers,           has Content-Type        MIME headers; the body follows
//	no Content-Type
//	the same                            other lines             the second block is the begin of the body
//	no message headers                  any                     an error
//
// In a block with message headers, MIME headers before the first of these are
// dropped if they name message/cpim. Where the RFC is silent or stacks in use
// break it, this is taken:
//
//   - Lines end with LF or CRLF. A line that begins with a blank or a tab
//     continues the one before it, in message headers too.
//   - Any number of blanks, or none, follows a colon. Blanks at the end of a
//     line are dropped.
//   - A control character other than a tab, or what is no UTF-8, is an error, as is a line
//     without a name and a colon.
//   - Names compare byte by byte (RFC 3862, 2.2), but "CC" is "cc": RFC 4975
//     spells it so. MIME headers compare without regard to case.
//   - Text behind the colon that begins with ";" and is no list of parameters
//     is a value.
//   - An address may have blanks between a name in quotes and its URI, a name
//     without quotes with characters that tokens do not have, and no brackets
//     if it is a URI alone.
//   - The prefix "imdn" need not be declared, if no other prefix is declared for
//     its namespace. Any other prefix holds from its NS header on; an NS header
//     without a prefix changes the namespace of the names without one.
//   - Headers that may stand once but stand twice are read: the first counts.
//     Each of several Require headers counts.
//   - What Require names is not looked at while reading: a store and a relay
//     need not understand a message. An endpoint calls
//     [Message.CheckRequired].
//
// Body is as it is on the wire: [Message.Decoded] undoes its transfer encoding,
// [Message.Charset] names its character set, and a Content-Length in it is not
// looked at.
//
// # Writing
//
// [Message.Head] and [Message.Reader] write by the grammar alone, and refuse what
// Read would take for something else: line ends in values, prefixes that are not
// declared, two of what may stand once. [Address.String] and [Escape] code text
// of any kind.
//
// # Notifications
//
// [Message.Ask] asks for notifications, [Message.Request] reads what was asked,
// [Request.Reply] makes the notification and [Message.Notifications] reads it.
// IMDN documents are read by namespace, strictly: UTF-8, no document type.
//
// # Limits
//
// Headers take [MaxHeaderBytes] and [MaxHeaders] at most, an IMDN document
// [MaxNotification]. Nothing else is held in memory.
package cpim
