/**
 * Questions to IRkernel that Jupyter's protocol does not have: R code that is in no history and whose output, one line
 * of JSON between two marks, is read here and shown to nobody. `jsonlite` is there: IRkernel itself needs it.
 */
import { randomBytes } from 'node:crypto';
import type { Question, QuestionKind } from '@markco/protocol';
import type { KernelRequest } from './answers.ts';
import { nameAt } from './replies.ts';

const ASKED: ReadonlySet<QuestionKind> = new Set(['variables', 'variable', 'hover', 'reset']);
const ANSWER_CHARS_MAX = 1024 * 1024;

export const rAnswers = (kind: QuestionKind): boolean => ASKED.has(kind);

/** `describe` never writes a large value out: `str` shows its beginning. */
const SOURCE = `
line <- function(value, most = 200L) {
  text <- tryCatch(utils::capture.output(utils::str(value, max.level = 1L, vec.len = 5L, give.attr = FALSE, list.len = 10L)), error = function(e) '?')
  text <- gsub('[[:space:]]+', ' ', trimws(paste(utils::head(text, 12L), collapse = ' ')))
  if (nchar(text) > most) paste0(substr(text, 1L, most - 1L), '\\u2026') else text
}
size <- function(value) format(structure(as.numeric(utils::object.size(value)), class = 'object_size'), units = 'auto', standard = 'legacy')
opens <- function(value) (is.list(value) || is.environment(value)) && length(value) > 0L
describe <- function(name, value) {
  found <- list(name = jsonlite::unbox(name), type = jsonlite::unbox(class(value)[[1L]]), value = jsonlite::unbox(line(value)), size = jsonlite::unbox(size(value)), expandable = jsonlite::unbox(opens(value)))
  if (!is.null(dim(value))) found$shape <- as.integer(dim(value))
  if (!is.function(value)) found$length <- jsonlite::unbox(length(value))
  if (!is.null(names(value)) && !is.environment(value)) found$keys <- utils::head(as.character(names(value)), 20L)
  found
}
parts <- function(value, most) {
  if (!opens(value)) return(list())
  all <- if (is.environment(value)) ls(value) else if (is.null(names(value))) seq_along(value) else names(value)
  lapply(utils::head(seq_along(all), most), function(i) {
    name <- as.character(all[[i]])
    describe(if (nzchar(name)) name else as.character(i), if (is.environment(value)) get(name, envir = value) else value[[i]])
  })
}
child <- function(value, name) {
  if (is.environment(value)) return(get(name, envir = value, inherits = FALSE))
  if (!is.null(names(value)) && name %in% names(value)) return(value[[name]])
  if (!grepl('^[0-9]+$', name)) stop('no such part')
  value[[as.integer(name)]]
}
answer <- switch(asked$kind,
  reset = { rm(list = ls(globalenv(), all.names = TRUE), envir = globalenv()); list() },
  variables = {
    wish <- asked$question$filter
    all <- ls(globalenv(), all.names = !isTRUE(wish$excludePrivate))
    if (!is.null(wish$namePattern)) all <- all[grepl(wish$namePattern, all, perl = TRUE)]
    all <- setdiff(all, c('.Random.seed', '.Last.value', '.pbd_env'))
    if (length(wish$types) > 0L) all <- Filter(function(name) class(get(name, globalenv()))[[1L]] %in% wish$types, all)
    list(variables = lapply(utils::head(all, 1000L), function(name) describe(name, get(name, globalenv()))), count = jsonlite::unbox(length(all)), truncated = jsonlite::unbox(length(all) > 1000L))
  },
  variable = {
    shown <- asked$question$name
    if (!exists(shown, globalenv(), inherits = FALSE)) stop('There is no variable ', shown, ' in this session.')
    value <- get(shown, globalenv())
    for (step in asked$question$path) {
      value <- tryCatch(child(value, step), error = function(e) stop(shown, ' has no part ', step, ' (any more).'))
      shown <- step
    }
    most <- if (is.null(asked$question$maxChildren)) 100L else asked$question$maxChildren
    chars <- if (is.null(asked$question$maxValueLength)) 1000L else asked$question$maxValueLength
    shortened <- if (is.data.frame(value) || is.matrix(value)) utils::head(value, 20L) else if (is.atomic(value)) utils::head(value, chars) else value
    full <- paste(utils::capture.output(if (is.environment(value)) line(value) else print(shortened)), collapse = '\\n')
    c(describe(shown, value), list(fullValue = jsonlite::unbox(substr(full, 1L, chars)), children = parts(value, most), methods = character(), attributes = as.character(names(attributes(value))), truncated = jsonlite::unbox(nchar(full) > chars || (opens(value) && length(value) > most))))
  },
  hover = {
    name <- asked$question$name
    value <- if (grepl('^[[:alpha:].][[:alnum:]._]*$', name) && exists(name, globalenv())) get(name, globalenv()) else NULL
    if (is.null(value)) list(found = jsonlite::unbox(FALSE)) else {
      found <- list(found = jsonlite::unbox(TRUE), name = jsonlite::unbox(name), type = jsonlite::unbox(class(value)[[1L]]), value = jsonlite::unbox(line(value)))
      if (is.function(value)) found$signature <- jsonlite::unbox(trimws(sub('^function ', '', paste(utils::head(deparse(args(value)), -1L), collapse = ' '))))
      found
    }
  })
`;

export async function askR(
  request: KernelRequest,
  channel: 'shell' | 'control',
  kind: QuestionKind,
  question: unknown,
): Promise<unknown> {
  const mark = randomBytes(16).toString('hex');
  const asked = { kind, question: kind === 'hover' ? { name: subjectOf(question as Question<'hover'>) } : question };
  const text = Buffer.from(JSON.stringify(asked)).toString('base64');
  const code = `local({
asked <- jsonlite::fromJSON(rawToChar(jsonlite::base64_dec('${text}')), simplifyVector = TRUE)
told <- tryCatch({${SOURCE}
list(answer = answer)
}, error = function(e) list(problem = jsonlite::unbox(conditionMessage(e))))
cat('${mark}', jsonlite::toJSON(told, null = 'null'), '${mark}', sep = '')
})`;
  let said = '';
  await request(
    channel,
    'execute_request',
    { code, silent: false, store_history: false, user_expressions: {}, allow_stdin: false, stop_on_error: false },
    ({ type, content }) => {
      if (type === 'stream' && said.length < ANSWER_CHARS_MAX) said += String(content['text'] ?? '');
    },
  );
  const json = said.split(mark)[1];
  if (json === undefined) throw new Error('R has no answer to this.');
  const { answer, problem } = JSON.parse(json) as { answer?: unknown; problem?: string };
  if (problem !== undefined) throw new Error(problem);
  return Array.isArray(answer) && answer.length === 0 ? {} : answer;
}

function subjectOf({ code, cursor }: Question<'hover'>): string {
  return nameAt(code, cursor);
}
