// Package mediaserver answers the MSCP requests of sections 4 and 5 of
// draft-mcglashan-mscp-02 for a media server (MS). A [Server] gives ids, knows states,
// owners, and the flows between connections, dialogs and conferences, and calls
// functions for the media. [Server.Handle] is an mscp.Handler for any channel.
//
// [Server.Control] ties a Server to the connections of one control dialog, whose AS is
// an [Owner]: it commands what it has created, and nobody else does. Over SIP INFO,
// [Server.Owner] makes one.
//
// MUSTS.md, beside this file, has the statements of the draft that this package meets.
//
// # What the draft leaves open
//
// Whether a stream of one medium contradicts one of another (5.3): it does not. A
// connection may hear one and see another, and a join that names audio leaves video as
// it is. A dialog's start is a join to its end point, and the direction of its streams is
// as the dialog sees it, as in 6.3. Two whose last stream was
// torn down by the rules are joined no more. The draft gives connections no owner: in a
// Server, they belong to the AS whose dialogs or joins use them.
//
// Whether a dialog that was prepared is there after its start has failed: it is not.
package mediaserver
