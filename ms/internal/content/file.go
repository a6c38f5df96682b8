package content

import (
	"encoding/hex"
	"errors"
	"mime"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/sipua"
	"github.com/gomscp/gomscp/store"
)

// maxFileText bounds each text that is kept of a file, in bytes.
const maxFileText = 255

// ErrFilePull refuses an offer that asks us for a file: we offer none. See RFC 5547, section 8.2.2.
var ErrFilePull = errors.New("the offer asks for a file, and there is none here")

// PullsFile reports whether an offer asks us to send a file.
func PullsFile(offer *msrp.Media) bool {
	return offer.File != nil && !offer.Rejected() && (offer.Direction == msrp.RecvOnly || offer.Direction == msrp.Inactive)
}

// AnswerFile describes, for an answer, the file in an offer. See RFC 5547,
// section 8.3.1.
func AnswerFile(offer *msrp.Media) *msrp.File {
	f := offer.File
	if f == nil {
		return nil
	}
	return &msrp.File{Name: f.Name, Size: f.Size, Type: f.Type, Hashes: f.Hashes, TransferID: f.TransferID, First: f.First, Last: f.Last}
}

// KeptFile is what the store keeps about a file; nil if there is none.
func KeptFile(f *msrp.File) *store.File {
	if f == nil {
		return nil
	}
	kept := &store.File{
		Name: fileName(f.Name), Type: bounded(f.Type), Size: f.Size, Disposition: bounded(f.Disposition),
	}
	if len(f.Hashes) > 0 {
		var pairs []string
		for _, b := range f.Hashes[0].Value {
			pairs = append(pairs, strings.ToUpper(hex.EncodeToString([]byte{b})))
		}
		kept.Hash = bounded(f.Hashes[0].Algorithm + ":" + strings.Join(pairs, ":"))
	}
	return kept
}

// fileName is a name without directories, and without characters that must not be shown.
func fileName(name string) string {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	if name = sipua.CleanName(name); name == "." || name == ".." {
		return ""
	}
	return bounded(name)
}

func bounded(s string) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	s = s[:min(len(s), maxFileText)]
	for !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s
}

// contentDisposition is the MIME header with the name of a file, for a user agent that gets
// the file as a message; "" if the file has no name. See RFC 2183.
func contentDisposition(f *store.File) string {
	if f == nil || f.Name == "" {
		return ""
	}
	params := map[string]string{"filename": f.Name}
	if f.Size > 0 {
		params["size"] = strconv.FormatInt(f.Size, 10)
	}
	return mime.FormatMediaType("attachment", params)
}
