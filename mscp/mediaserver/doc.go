// Package mediaserver answers the MSCP requests of sections 4 and 5 of
// draft-mcglashan-mscp-02 for a media server (MS). A [Server] assigns ids. It keeps the
// state and the owner of each dialog and conference, and the media flows between
// connections, dialogs and conferences. It calls functions of the program for the media.
// [Server.Handle] is an mscp.Handler for any channel.
//
// [Server.Control] connects a Server with one control dialog, and makes an [Owner] for the
// AS of this dialog. Only the Owner may command what it has created. For an AS that uses
// SIP INFO, [Server.Owner] makes the Owner.
//
// MUSTS.md, beside this file, has the statements of the draft that this package meets.
//
// # What the draft leaves open
//
// Streams of different media do not contradict each other (5.3): a connection may get
// audio from one end and video from another, and a join that names audio leaves video
// unchanged. The start of a dialog is a join to its end point. The direction of its streams
// is from the dialog's point of view (6.3). If later joins replace the last stream between
// two ends (5.3), these are no longer joined. The draft gives connections no owner: in a
// Server, they belong to the AS whose dialogs or joins use them.
//
// If the start of a prepared dialog fails, the dialog is removed.
package mediaserver
