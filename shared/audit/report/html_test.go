package report_test

import (
	"crypto/sha256"
	"encoding/base64"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/audit/report"
)

// hostile is what a customer's names may look like: markup, quotes, marks of direction, a long word, a template.
var hostile = `</code></style></title><script>alert(1)</script>"'><img src=x onerror=alert(2)><!-- {{.}} ` +
	"`${x}` [a](javascript&#58;b) \u202egnp.exe\u2066\u200f\u200b\u00a0\x07" + strings.Repeat("W", 2000)

func tags(text string) []string {
	found := regexp.MustCompile(`<[^>]*>`).FindAllString(text, -1)
	values := regexp.MustCompile(`(id|href|data-copy|aria-[a-z]+)="[^"]*"`)
	for i, tag := range found {
		found[i] = values.ReplaceAllString(tag, `$1`)
	}
	return found
}

// The page of a report whose every text is hostile has exactly the tags of one whose texts are tame.
func TestHostileNamesAreInert(t *testing.T) {
	for name, r := range samples(t) {
		tame, wild := page(t, renamed(t, r, "tame")), page(t, renamed(t, r, hostile))
		if diff := cmp.Diff(tags(tame), tags(wild)); diff != "" {
			t.Errorf("%s: tags (-tame +hostile):\n%s", name, diff)
		}
		if !strings.Contains(wild, "⟨U&#43;202E⟩gnp.exe") {
			t.Errorf("%s: the mark of direction isn't shown as its code point", name)
		}
		for _, c := range wild {
			if c != '\n' && unicode.In(c, unicode.Cc, unicode.Cf) {
				t.Errorf("%s: the page has an invisible character %U", name, c)
				break
			}
		}
	}
}

func TestNoticeIsInert(t *testing.T) {
	notice := func(text string) string {
		page, err := report.Notice(text, text, text)
		if err != nil {
			t.Fatal(err)
		}
		return string(page)
	}
	if diff := cmp.Diff(tags(notice("tame")), tags(notice(hostile))); diff != "" {
		t.Errorf("tags (-tame +hostile):\n%s", diff)
	}
}

// Nothing comes from elsewhere, nothing runs but the one script, and the policy that says so names the page's own style and script.
func TestPagesAreSelfContained(t *testing.T) {
	for name, r := range samples(t) {
		text := page(t, r)
		for _, pattern := range []string{
			`\sstyle=`, `\son[a-z]+=`, `\ssrc=`, `<link`, `<iframe`, `<form`, `<object`, `<base`, `@import`, `url\(`, `https?:`, `javascript:`, `<a href="[^#]`, `<use href="[^#]`,
		} {
			if found := regexp.MustCompile(pattern).FindString(text); found != "" {
				t.Errorf("%s: the page has %q", name, found)
			}
		}
		style, script := inside(t, text, "style"), inside(t, text, "script")
		want := "default-src 'none'; style-src " + source(style) + "; script-src " + source(script) + "; base-uri 'none'; form-action 'none'"
		if got := report.ContentSecurityPolicy(); got != want+"; frame-ancestors 'none'" {
			t.Errorf("%s: the header's policy is %s, want %s and frame-ancestors", name, got, want)
		}
		meta := regexp.MustCompile(`<meta http-equiv="Content-Security-Policy" content="([^"]*)">`).FindStringSubmatchIndex(text)
		if meta == nil || strings.NewReplacer("&#39;", "'", "&#43;", "+").Replace(text[meta[2]:meta[3]]) != want {
			t.Errorf("%s: the page's own policy isn't %s", name, want)
		} else if meta[0] > strings.Index(text, "<style>") {
			t.Errorf("%s: the page's own policy comes after its style", name)
		}
	}
}

func source(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// inside is the text of the only element of that name.
func inside(t *testing.T, text, element string) string {
	t.Helper()
	found := regexp.MustCompile(`(?s)<`+element+`>(.*?)</`+element+`>`).FindAllStringSubmatch(text, -1)
	if len(found) != 1 || strings.Count(text, "<"+element) != 1 {
		t.Fatalf("%d elements %s, want 1", len(found), element)
	}
	return found[0][1]
}

// Every link leads to a place on the page, and every place has one name.
func TestLinksAndNames(t *testing.T) {
	for name, r := range samples(t) {
		text := page(t, r)
		var ids []string
		for _, m := range regexp.MustCompile(` id="([^"]+)"`).FindAllStringSubmatch(text, -1) {
			if slices.Contains(ids, m[1]) {
				t.Errorf("%s: two elements have the id %s", name, m[1])
			}
			ids = append(ids, m[1])
		}
		for _, m := range regexp.MustCompile(` (?:href="#|data-copy="|aria-labelledby="|aria-describedby=")([^"]+)"`).FindAllStringSubmatch(text, -1) {
			if !slices.Contains(ids, m[1]) {
				t.Errorf("%s: nothing has the id %s", name, m[1])
			}
		}
	}
}

// What colour says, a word says too.
func TestEveryMarkHasAWord(t *testing.T) {
	for name, r := range samples(t) {
		text := page(t, r)
		marks := regexp.MustCompile(`(?s)<(span|p|dt) class="(?:badge|chip|word|mark)[^"]*">(.*?)</(?:span|p|dt)>`).FindAllStringSubmatch(text, -1)
		if len(marks) == 0 {
			t.Errorf("%s: no marks", name)
		}
		for _, m := range marks {
			word := strings.TrimSpace(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(m[2], ""))
			if word == "" {
				t.Errorf("%s: no word in %s", name, m[0])
			}
		}
	}
}

// plain is the text of a page, without tags, with single spaces.
func plain(text string) string {
	text = regexp.MustCompile(`(?s)<(style|script|title)>.*?</(style|script|title)>`).ReplaceAllString(text, " ")
	text = regexp.MustCompile(`<[^>]*>`).ReplaceAllString(text, " ")
	return strings.Join(strings.Fields(strings.NewReplacer("&#39;", "'", "&#43;", "+", "&#34;", `"`, "&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(text)), " ")
}

func TestPageSaysWhatWasFound(t *testing.T) {
	for name, wants := range map[string][]string{
		"busy": {
			"orders-production Critical 3 findings need attention now.",
			"Is everybody else kept out? Yes", "Can connections do what they need? No 3 needed permissions are missing, of 19 permissions.",
			"Is nothing more granted? No 3 findings say",
			"Critical 1 High 2 Medium 1 Info 2 Suppressed 1 Resolved since 1",
			"DeleteItem Not granted Identity policy", "Scan 1 of 2 denied Service control policy Sources differ", "PutItem Not needed",
			"Suppressed until 23 Dec 2026, 09:00 UTC by grace@example.com :",
			"Rights can be raised beyond its own: iam:PassRole", "aws iam detach-role-policy --role-name arngate-orders", `"Sid": "Tables"`,
			"The commands are those of Needed action is not allowed: dynamodb:DeleteItem . Running them once is enough.",
			"so run them for some findings or for all, in any order; if a policy has been changed since, audit again first.",
			"The policies grant something else than last time.", "New 3", "Resolved 1 Medium Reads are allowed that nothing needs",
			"What no audit like this can see Policies above the account",
		},
		"clean": {"demo In order", "Is nothing more granted? Yes", "Nothing was found that asks for attention.", "This is the first audit of this provider."},
		"unsafe": {
			"legacy Unsafe Arngate refuses to use this provider: AWS let an attempt in that had no external id.",
			"Is everybody else kept out? No", "Can connections do what they need? Unknown", "Nothing could be tried",
			"What could not be read iam:GetRole on arn:aws:iam::", "Not looked at again 1",
			"What to do: Demand sts:ExternalId",
		},
		"unusable": {"keys Unusable Requests through this provider fail: AWS refused the access key", "Is everybody else kept out? Unknown", "Not tried The keys make sessions under a policy", "Access keys of a user"},
	} {
		text := plain(page(t, sample(t, name)))
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("%s: the page doesn't say %q:\n%s", name, want, text)
			}
		}
	}
}
