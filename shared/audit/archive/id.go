package archive

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var (
	idPattern          = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	fingerprintPattern = regexp.MustCompile(`^[0-9a-f]{32}$`)
)

// NewID returns the id of an audit that is asked for at that time: a UUID of version 7 (RFC 9562), so that ids sort by time.
func NewID(at time.Time) string {
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails: crypto/rand ends the process instead
	return idOf(at, random)
}

// DerivedID returns the id of the audit that a message without one asks for, by when and under which id the message was sent:
// the same at every delivery.
func DerivedID(sent time.Time, messageID string) string {
	sum := sha256.Sum256([]byte(messageID))
	return idOf(sent, [16]byte(sum[:16]))
}

func idOf(at time.Time, bits [16]byte) string {
	var stamp [8]byte
	binary.BigEndian.PutUint64(stamp[:], uint64(at.UnixMilli())<<16)
	copy(bits[:6], stamp[:6])
	bits[6], bits[8] = bits[6]&0x0f|0x70, bits[8]&0x3f|0x80
	text := hex.EncodeToString(bits[:])
	return strings.Join([]string{text[:8], text[8:12], text[12:16], text[16:20], text[20:]}, "-")
}

// timeOf is when the audit of a valid id was asked for.
func timeOf(id string) time.Time {
	milliseconds, err := strconv.ParseInt(id[:8]+id[9:13], 16, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(milliseconds).UTC()
}
