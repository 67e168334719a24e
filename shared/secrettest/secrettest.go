// Package secrettest finds secrets where they must not be: in log lines, metrics, answers, errors and stored items.
//
// Every secret of the tests is planted: it begins with a mark of its kind. The local AWS that tests start puts the mark on
// what it issues, and fakes take theirs from [Plant]. So whatever a test sees can be searched by itself, without knowing which
// secrets there are.
package secrettest

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Kind is what a secret is.
type Kind string

// The kinds of secrets.
const (
	SecretKey    Kind = "secret access key"
	SessionToken Kind = "session token"
	DataKey      Kind = "data key"
	BearerToken  Kind = "bearer token"
)

// Mark is what planted secrets of a kind begin with: letters, which nothing escapes, and of which any secret may consist.
func Mark(k Kind) string { return marks()[k] }

func marks() map[Kind]string {
	return map[Kind]string{
		SecretKey: "PlantedSecretKey", SessionToken: "PlantedSession", DataKey: "PlantedData", BearerToken: "PlantedBearer",
	}
}

// Plant returns a secret of a kind, for a fake; those of different names differ.
func Plant(k Kind, name string) string { return Mark(k) + name }

// Planted reports whether a text begins as a secret of that kind.
func Planted(k Kind, text string) bool { return strings.HasPrefix(text, Mark(k)) }

// In returns the kinds of planted secrets that are in text, in the clear or in a common encoding, in order.
func In(text string) []Kind {
	if !slices.ContainsFunc(anyMark(), func(spelling string) bool { return strings.Contains(text, spelling) }) {
		return nil // as nearly always, and texts are large
	}
	var kinds []Kind
	for kind, mark := range marks() {
		if slices.ContainsFunc(spellings(mark), func(spelling string) bool { return strings.Contains(text, spelling) }) {
			kinds = append(kinds, kind)
		}
	}
	slices.Sort(kinds)
	return kinds
}

// anyMark are the spellings of what all marks begin with.
var anyMark = sync.OnceValue(func() []string { return spellings("Planted") })

// spellings are a mark as it is, in hexadecimal, as Go prints bytes, and in base64 wherever it begins in what is encoded.
func spellings(mark string) []string {
	bytes := fmt.Sprintf("%d", []byte(mark))
	out := []string{mark, hex.EncodeToString([]byte(mark)), bytes[1 : len(bytes)-1]}
	for shift := range 3 {
		encoded := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("\x00", shift) + mark))
		// The first and the last characters depend on what stands beside the mark. Letters make neither + nor /.
		out = append(out, encoded[(shift*8+5)/6:len(encoded)-1])
	}
	return out
}

// Check fails the test if a planted secret is in text; where names it.
func Check(tb testing.TB, where, text string) {
	tb.Helper()
	for _, kind := range In(text) {
		tb.Errorf("%s holds a %s", where, kind)
	}
}

// CheckError fails the test if a planted secret is in an error, however it is printed. A nil error holds none.
func CheckError(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		Check(tb, "an error", fmt.Sprintf("%v\n%+v\n%#v", err, err, err))
	}
}

// CheckAnswer fails the test if a planted secret is in an answer to a client, or in the event that becomes one. A presigned
// request needs its session token: where that stands under its own name it is no leak.
func CheckAnswer(tb testing.TB, request, answer string) {
	tb.Helper()
	read := answer
	if mayHavePolicy(answer) {
		read = formPolicy.ReplaceAllStringFunc(answer, func(member string) string {
			plain, err := base64.StdEncoding.DecodeString(formPolicy.FindStringSubmatch(member)[1])
			if err != nil {
				return member
			}
			return string(plain)
		})
	}
	if len(In(read)) == 0 {
		return
	}
	Check(tb, "the answer to "+request, signedWith.ReplaceAllString(read, ""))
}

// mayHavePolicy reports whether formPolicy has a chance. Megabytes are no work for a regular expression.
func mayHavePolicy(answer string) bool {
	return strings.Contains(answer, `olicy"`) || strings.Contains(answer, `olicy\`)
}

// formPolicy is the policy of a presigned form, which is base64 and names the form's fields again.
var formPolicy = regexp.MustCompile(`"[Pp]olicy\\*":\s*\\*"([\w+/=]+)`)

// signedWith is the session token of a presigned request: in a URL, however often it was encoded as JSON, or among the
// fields of a form.
var signedWith = regexp.MustCompile(`(?i)x-amz-security-token(=|\\*":\s*\\*")[\w%+/=.-]+`)
