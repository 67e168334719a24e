package conformance

import (
	"bytes"
	"context"
	cryptorand "crypto/rand"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/cockroachdb/apd/v3"
)

// How much is asked at random: with an oracle, what the project has promised and more; without, enough to see that two
// local AWSs agree with each other and never fail.
const (
	dynamoDBOperations      = 12_000
	dynamoDBOperationsAlone = 1_500
	dynamoDBSteps           = 60 // of a program, after those that fill its table
	dynamoDBItemsAtFirst    = 10
)

// dynamoDBTarget is a DynamoDB whose answers are compared as they come over the wire.
type dynamoDBTarget struct {
	*awsdynamodb.Client

	recorder *recorder
}

type dynamoDBStep = step[dynamoDBTarget]

// TestDynamoDBPrograms runs random programs on the local AWS and on DynamoDB Local, or on another local AWS.
func TestDynamoDBPrograms(t *testing.T) {
	other, wanted := oracle(t, dynamoDBLocal, dynamoDBVariable), dynamoDBOperations
	if other == nil {
		other, wanted = local(t), dynamoDBOperationsAlone
	}
	c := newComparison(newDynamoDBTarget(local(t)), newDynamoDBTarget(other), other.name)
	if other.name == dynamoDBLocal {
		c.excuses, c.translations = dynamoDBExcuses(), dynamoDBTranslations()
	}
	run := cryptorand.Text()
	for n := uint64(0); c.asked < wanted; n++ {
		p := newDynamoDBProgram(random(seed(t), n), fmt.Sprintf("program-%s-%d", run, n))
		p.run(t.Context(), c)
	}
	c.report(t)
}

func newDynamoDBTarget(b *backend) dynamoDBTarget {
	config, recorder := b.client()
	return dynamoDBTarget{Client: awsdynamodb.NewFromConfig(config), recorder: recorder}
}

// body is the last answer's, as far as DynamoDB promises anything of it.
func (t dynamoDBTarget) body() map[string]any {
	var body map[string]any
	decoder := json.NewDecoder(bytes.NewReader(t.recorder.last.body))
	decoder.UseNumber()
	if err := decoder.Decode(&body); err != nil {
		return map[string]any{"not JSON": string(t.recorder.last.body)}
	}
	delete(body, "TableDescription") // when it was made, and where
	delete(body, "ConsumedCapacity") // never asked for: dynamodb-local/capacity-unasked
	settle(body)
	return body
}

// settle brings values into one form: numbers have many, and sets no order.
func settle(value any) {
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			settle(member)
			text, isText := member.(string)
			list, isList := member.([]any)
			switch {
			case name == "N" && isText:
				value[name] = oneForm(text)
			case name == "NS" && isList:
				for i := range list {
					list[i] = oneForm(fmt.Sprint(list[i]))
				}
				inOrder(list)
			case (name == "SS" || name == "BS") && isList:
				inOrder(list)
			}
		}
	case []any:
		for _, element := range value {
			settle(element)
		}
	}
}

// oneForm is a number without an exponent or anything that doesn't count: dynamodb-local/number-form.
func oneForm(number string) string {
	d, _, err := apd.NewFromString(number)
	if err != nil {
		return number
	}
	d.Reduce(d)
	if d.IsZero() {
		return "0"
	}
	return d.Text('f')
}

func inOrder(list []any) {
	slices.SortFunc(list, func(a, b any) int { return strings.Compare(asText(a), asText(b)) })
}

// asText is a value as JSON, to compare it.
func asText(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// asStepOf makes a step of an operation of the SDK's client and its input.
func asStepOf[I, O any](name string, in *I, call func(*awsdynamodb.Client, context.Context, *I, ...func(*awsdynamodb.Options)) (*O, error)) dynamoDBStep {
	return dynamoDBStep{name: name, in: in, ask: func(ctx context.Context, t dynamoDBTarget) (any, error) {
		t.recorder.last = answer{}
		_, err := call(t.Client, ctx, in)
		return t.body(), err
	}}
}

// dynamoDBProgram is a table and what is done to it at random.
type dynamoDBProgram struct {
	r     *rand.Rand
	table dynamoDBTable
}

func newDynamoDBProgram(r *rand.Rand, name string) *dynamoDBProgram {
	return &dynamoDBProgram{r: r, table: anyTable(r, name)}
}

// run asks for steps until the program ends, or its two tables may differ.
func (p *dynamoDBProgram) run(ctx context.Context, c *comparison[dynamoDBTarget]) {
	if _, alike := c.run(ctx, asStepOf("CreateTable", p.table.create(), (*awsdynamodb.Client).CreateTable)); !alike {
		return
	}
	for n := range dynamoDBItemsAtFirst + dynamoDBSteps {
		next := p.write
		if n >= dynamoDBItemsAtFirst {
			next = p.any()
		}
		if !p.pages(ctx, c, next()) {
			break
		}
	}
	c.run(ctx, asStepOf("DeleteTable", &awsdynamodb.DeleteTableInput{TableName: &p.table.name}, (*awsdynamodb.Client).DeleteTable))
}

// pages asks for a step and, if it is a page of a query, for those after it.
func (p *dynamoDBProgram) pages(ctx context.Context, c *comparison[dynamoDBTarget], s dynamoDBStep) bool {
	for range 4 {
		out, alike := c.run(ctx, s)
		if !alike {
			return false
		}
		body, _ := out.Out.(map[string]any)
		last, more := body["LastEvaluatedKey"].(map[string]any)
		in, is := s.in.(*awsdynamodb.QueryInput)
		if !more || !is {
			return true
		}
		next := *in
		next.ExclusiveStartKey = keyOf(last)
		s = asStepOf(s.name, &next, (*awsdynamodb.Client).Query)
	}
	return true
}

// asWhole makes a step of all pages of a scan, or of a query of an index. Which partition of a scan comes first, and which
// of the items with the same key in an index, and so what is on a page, is each DynamoDB's own ("Scanning tables" and
// "Using Global Secondary Indexes", DynamoDB Developer Guide). Else they must come in the same order.
func asWhole(name string, in any, key dynamoDBKey, page func(context.Context, dynamoDBTarget, item) (item, error)) dynamoDBStep {
	return dynamoDBStep{name: name, in: in, ask: func(ctx context.Context, t dynamoDBTarget) (any, error) {
		var items []any
		counts := make(map[string]int64)
		for start := item(nil); ; {
			t.recorder.last = answer{}
			last, err := page(ctx, t, start)
			body := t.body()
			if err != nil {
				return body, err
			}
			found, _ := body["Items"].([]any)
			items = append(items, found...)
			for _, name := range []string{"Count", "ScannedCount"} {
				number, _ := body[name].(json.Number)
				n, _ := number.Int64()
				counts[name] += n
			}
			if start = last; len(start) == 0 {
				break
			}
		}
		byPartition(items, key)
		return map[string]any{"Items": items, "counts": counts}, nil
	}}
}

// byPartition puts items of a partition together, in the order in which they came, and items with the same key in order.
func byPartition(items []any, key dynamoDBKey) {
	// attribute is one of the key's as text: empty if the key has none, or it was not asked for.
	attribute := func(item any, name string) string {
		members, _ := item.(map[string]any)
		if value, there := members[name]; there {
			return asText(value)
		}
		return ""
	}
	slices.SortStableFunc(items, func(a, b any) int {
		return strings.Compare(attribute(a, key.hash), attribute(b, key.hash))
	})
	for first := 0; first < len(items); {
		after := first + 1
		for after < len(items) && attribute(items[after], key.hash) == attribute(items[first], key.hash) &&
			attribute(items[after], key.rangeName) == attribute(items[first], key.rangeName) {
			after++
		}
		inOrder(items[first:after])
		first = after
	}
}

// any is one of the things that a program does.
func (p *dynamoDBProgram) any() func() dynamoDBStep {
	return pick(p.r, p.write, p.put, p.update, p.update, p.update, p.remove, p.get, p.get, p.query, p.query, p.query, p.scan, p.scan,
		p.transactWrite, p.transactWrite, p.transactGet, p.batchWrite, p.batchGet)
}
