package ms

import (
	"errors"
	"mime"
	"strings"
	"testing"

	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/sipua"
)

var fileAttributes = []string{"accept-types:*", "sendonly", `file-selector:name:"dir/p%20%C3%BC.png" type:image/png size:5 hash:sha-1:72:24:5F:E8:65:3D:DA:F3:71:36:2F:86:D4:71:91:3E:E4:A2:CE:2E`, "file-transfer-id:3dbbaf32", "file-disposition:attachment"}

// TestFileKeepsItsName transfers a file to somebody who is away: its name, type, size and
// hash are kept, the answer names it, and the device learns the name in CPIM and without.
func TestFileKeepsItsName(t *testing.T) {
	for _, inCPIM := range []bool{false, true} {
		a := newFakeAS(t, nil)
		l := a.rawStore(t, alice, bob, fileAttributes...)
		answer := string(l.call.RemoteBody())
		if attribute(t, answer, "file-transfer-id") != "3dbbaf32" || !strings.Contains(attribute(t, answer, "file-selector"), "size:5") || !strings.Contains(answer, "\r\na=recvonly\r\n") {
			t.Errorf("answered %s", answer)
		}
		l.send("t1", "bytes", "Content-Type: application/octet-stream")
		l.want("t1", 200)
		a.bye(l)
		kept := a.ms.Store().Messages(bob, alice)
		if f := kept[0].File; f == nil || f.Name != "p ü.png" || f.Type != "image/png" || f.Size != 5 || !strings.HasPrefix(f.Hash, "sha-1:72:24:5F:") {
			t.Fatalf("kept %+v", f)
		}
		types := "accept-types:text/plain image/*" // no octet-stream
		if inCPIM {
			types = "accept-types:message/cpim image/*"
		}
		p := a.rawPush(t, types)
		resp := a.sendMsg(p)
		f := p.Next()
		disposition, contentType := f.Get("Content-Disposition"), f.Get("Content-Type")
		if inCPIM {
			_, inner, _ := strings.Cut(string(f.Body), "\r\n\r\n")
			for line := range strings.SplitSeq(inner, "\r\n") {
				if v, ok := strings.CutPrefix(line, "Content-Disposition: "); ok {
					disposition = v
				}
				if v, ok := strings.CutPrefix(line, "Content-Type: "); ok {
					contentType = v
				}
			}
		}
		kind, params, err := mime.ParseMediaType(disposition)
		if err != nil || kind != "attachment" || params["filename"] != "p ü.png" || params["size"] != "5" || contentType != "image/png" || !strings.HasSuffix(string(f.Body), "bytes") {
			t.Errorf("pushed %+v\n%s", f, f.Body)
		}
		p.Answer(f, 200, "OK")
		if r := <-resp; mscp.Name(r) != "MsgSended" {
			t.Errorf("%+v", r)
		}
	}
}

// TestFileThatIsAskedFor refuses a caller that wants to be sent a file.
func TestFileThatIsAskedFor(t *testing.T) {
	a := newFakeAS(t, nil)
	_, err := a.ua.Invite(a.ctx(), sipua.InviteRequest{
		URI: "sip:ms@" + a.ms.Addr(), From: a.ua.Contact(), To: "sip:ms@" + a.ms.Addr(), ContentType: sdpType,
		Body: rawSDP(rawPath, "accept-types:*", "recvonly", `file-selector:name:"p.png"`),
	})
	var status *sipua.StatusError
	if !errors.As(err, &status) || status.Code != 488 || !strings.HasPrefix(status.Header("Warning"), "306 ") {
		t.Errorf("%v", err)
	}
}
