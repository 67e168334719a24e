package deploymenttest

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/arngate/arngate/shared/secrettest"
)

// secretMember is where a request to the API brings a secret.
var secretMember = regexp.MustCompile(`"secret_access_key":\s*"([^"]+)"`)

// planted returns a request's body as it was. A secret in it that is not planted fails the test: it would be looked for in
// vain. A body that is not in memory is not looked into.
func planted(tb testing.TB, body io.Reader) io.Reader {
	tb.Helper()
	text, ok := body.(*strings.Reader)
	if !ok {
		return body
	}
	all, err := io.ReadAll(text)
	if err != nil {
		tb.Fatal(err)
	}
	for _, match := range secretMember.FindAllSubmatch(all, -1) {
		if !secrettest.Planted(secrettest.SecretKey, string(match[1])) {
			tb.Errorf("a secret in the request is not planted: %s", all)
		}
	}
	return strings.NewReader(string(all))
}

// checkAnswer fails the test if there is a secret in an answer.
func checkAnswer(tb testing.TB, request string, a Answer) {
	tb.Helper()
	var header strings.Builder
	_ = a.Header.Write(&header) // a strings.Builder takes everything
	secrettest.CheckAnswer(tb, request, header.String()+a.Body)
}

// checkTables fails the test if there is a secret in the gateway's tables.
func (s *Stack) checkTables(tb testing.TB) {
	tb.Helper()
	s.AWS.ClearFaults()
	tables := awsdynamodb.NewFromConfig(s.Operator())
	for _, table := range s.Template.Tables {
		// The test's own context has ended by now.
		pages := awsdynamodb.NewScanPaginator(tables, &awsdynamodb.ScanInput{TableName: aws.String(table.Name)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(context.WithoutCancel(tb.Context()))
			if err != nil {
				tb.Errorf("scan %s: %v", table.Name, err)
				break
			}
			for _, item := range page.Items {
				secrettest.Check(tb, "the table "+table.Name, text(&types.AttributeValueMemberM{Value: item}))
			}
		}
	}
}

// text is all that an attribute value holds.
func text(v types.AttributeValue) string {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		return v.Value
	case *types.AttributeValueMemberB:
		return string(v.Value)
	case *types.AttributeValueMemberM:
		var all strings.Builder
		for name, member := range v.Value {
			all.WriteString(name + "\n" + text(member) + "\n")
		}
		return all.String()
	case *types.AttributeValueMemberL:
		var all strings.Builder
		for _, member := range v.Value {
			all.WriteString(text(member) + "\n")
		}
		return all.String()
	default:
		return fmt.Sprintf("%v", v)
	}
}
