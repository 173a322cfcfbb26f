# Answers about the session between two cells. They change nothing in it.

MATCHES_MAX <- 500L
VARIABLES_MAX <- 1000L
HELP_CHARS <- 20000L
SOURCE_CHARS <- 100000L
SECONDS_MAX <- 3
# R's own, which nobody made.
NOT_SHOWN <- c(".Random.seed", ".Last.value", "last.warning", ".Traceback")

answer <- function(kind, question) tryCatch(
  allowInterrupts({
    setTimeLimit(elapsed = SECONDS_MAX, transient = TRUE)
    on.exit(setTimeLimit())
    told <- NULL
    captured(told <- suppressMessages(suppressWarnings(ANSWERS[[kind]](question))))
    list(answer = told)
  }),
  error = function(e) list(problem = conditionMessage(e)),
  interrupt = function(e) list(problem = "The question was interrupted.")
)

# --- completion, by what R's own console uses

complete <- function(question) {
  utils::rc.settings(ipck = TRUE)
  line <- question$line
  key <- regmatches(line, regexec("([[:alpha:].][[:alnum:]._$@]*)\\[\\[?[\"']([^\"']*)$", line))[[1L]]
  if (length(key) > 0L) return(complete_key(find_subject(key[[2L]])$it, key[[3L]]))
  utils:::.assignLinebuffer(line)
  utils:::.assignEnd(nchar(line))
  utils:::.guessTokenFromLine()
  utils:::.completeToken()
  token <- utils:::.CompletionEnv$token
  found <- unique(utils:::.retrieveCompletions())
  if (length(found) == 0L && inside_quotes(line)) found <- files_for(token)
  list(token = token, matches = lapply(utils::head(found[nzchar(found)], MATCHES_MAX), match_of, token = token))
}

# As in `frame[["na`.
complete_key <- function(value, start) {
  names <- as.character(if (is.environment(value)) ls(value) else names(value))
  found <- utils::head(names[startsWith(names, start)], MATCHES_MAX)
  list(token = start, matches = lapply(found, function(name) list(label = name, kind = "field")))
}

inside_quotes <- function(line) length(utils:::.CompletionEnv$token) == 1L && isTRUE(utils:::isInsideQuotes())

files_for <- function(start) {
  found <- Sys.glob(paste0(path.expand(start), "*"))
  if (length(found) == 0L) return(character())
  paste0(start, substring(found, nchar(path.expand(start)) + 1L), ifelse(dir.exists(found), "/", ""))
}

match_of <- function(label, token) {
  if (grepl("=[[:space:]]*$", label)) return(list(label = label, kind = "field"))
  if (grepl("::$", label)) return(list(label = label, kind = "module"))
  if (grepl("[$@]", label)) return(list(label = label, kind = "property"))
  if (grepl("[/\"']", label)) return(list(label = label, kind = "value"))
  if (label %in% KEYWORDS) return(list(label = label, kind = "keyword"))
  value <- find_subject(label)
  if (is.null(value)) return(list(label = label, kind = "value"))
  is_function <- is.function(value$it)
  told <- list(label = label, kind = if (is_function) "function" else "variable", type = class(value$it)[[1L]])
  if (exists(label, globalenv(), inherits = FALSE) && !is_function) told$valuePreview <- line_for(value$it, 60L)
  told
}

KEYWORDS <- c("if", "else", "repeat", "while", "function", "for", "next", "break", "TRUE", "FALSE", "NULL", "Inf", "NaN", "NA", "in")

# What a chain like `frame$column` or `stats::sd` stands for, in a list, or NULL. Runs nothing.
find_subject <- function(chain) {
  from <- globalenv()
  if (grepl("::", chain, fixed = TRUE)) {
    package <- sub(":::?.*$", "", chain)
    chain <- sub("^.*:::?", "", chain)
    if (!(package %in% loadedNamespaces())) return(NULL)
    from <- asNamespace(package)
  }
  if (!nzchar(chain)) return(NULL)
  steps <- strsplit(chain, "[$@]")[[1L]]
  name <- gsub("`", "", steps[[1L]], fixed = TRUE)
  if (!nzchar(name) || !exists(name, from) || is_active(name, from)) return(NULL)
  found <- list(it = get(name, from))
  for (step in steps[-1L]) found <- tryCatch(list(it = child(found$it, step)), error = function(e) NULL)
  found
}

is_active <- function(name, where) {
  while (!identical(where, emptyenv())) {
    if (exists(name, where, inherits = FALSE)) return(bindingIsActive(name, where))
    where <- parent.env(where)
  }
  FALSE
}

hover <- function(question) {
  found <- find_subject(question$name)
  if (is.null(found)) return(list(found = FALSE))
  told <- list(found = TRUE, name = question$name, type = class(found$it)[[1L]], value = line_for(found$it))
  if (is.function(found$it)) told$signature <- signature_of(question$name, found$it)
  told
}

inspect <- function(question) {
  found <- find_subject(question$name)
  if (is.null(found)) return(list(found = FALSE, source = "runtime"))
  told <- c(hover(question), list(source = "runtime", kind = if (is.function(found$it)) "function" else "variable"))
  detail <- if (is.null(question$detail)) 1L else question$detail
  if (detail >= 1L) {
    is_users <- exists(question$name, globalenv(), inherits = FALSE)
    told$docstring <- if (is_users) comment_of(found$it) else help_for(question$name)
    if (opens(found$it)) told$children <- parts(found$it, 20L)
  }
  if (detail >= 2L && is.function(found$it)) told$sourceCode <- cut(deparse(found$it, control = "useSource"), SOURCE_CHARS)
  told
}

signature_of <- function(name, value) {
  text <- paste(utils::head(deparse(args(value)), -1L), collapse = " ")
  paste0(name, trimws(gsub("[[:space:]]+", " ", sub("^function ", "", text))))
}

# The comment that a function of the cells begins with.
comment_of <- function(value) {
  lines <- trimws(as.character(attr(value, "srcref")))[-1L]
  first <- which(!startsWith(lines, "#"))
  lines <- if (length(first) > 0L) lines[seq_len(first[[1L]] - 1L)] else lines
  if (length(lines) > 0L) cut(sub("^#+'?[[:space:]]*", "", lines), HELP_CHARS)
}

help_for <- function(name) tryCatch({
  package <- if (grepl("::", name, fixed = TRUE)) sub(":::?.*$", "", name)
  pages <- do.call(utils::help, list(topic = sub("^.*:::?", "", name), package = package, help_type = "text"))
  page <- utils:::.getHelpFile(as.character(pages)[[1L]])
  cut(gsub("_\b", "", captured(tools::Rd2txt(page, options = list(underline_titles = FALSE)))), HELP_CHARS)
}, error = function(e) NULL)

# --- variables

variables <- function(question) {
  wish <- question$filter
  names <- setdiff(ls(globalenv(), all.names = !isTRUE(wish$excludePrivate)), NOT_SHOWN)
  if (!is.null(wish$namePattern)) names <- names[matching(wish$namePattern, names)]
  if (length(wish$types) > 0L)
    names <- Filter(function(name) class(value_of(name))[[1L]] %in% unlist(wish$types), names)
  shown <- utils::head(names, VARIABLES_MAX)
  list(
    variables = lapply(shown, function(name) describe(name, value_of(name))),
    count = length(names), truncated = length(names) > length(shown)
  )
}

matching <- function(pattern, names) tryCatch(
  grepl(pattern, names, perl = TRUE),
  error = function(e) stop("`namePattern` is no regular expression: ", conditionMessage(e), ".", call. = FALSE)
)

# An active binding may do anything when it is read.
value_of <- function(name) {
  if (bindingIsActive(name, globalenv())) structure("[active binding]", class = "active binding")
  else get(name, globalenv(), inherits = FALSE)
}

variable <- function(question) {
  shown <- question$name
  if (!exists(shown, globalenv(), inherits = FALSE)) stop("There is no variable called ", shown, ".", call. = FALSE)
  value <- value_of(shown)
  for (step in question$path) {
    value <- tryCatch(child(value, step), error = function(e) stop(shown, " has nothing called ", step, ".", call. = FALSE))
    shown <- step
  }
  most <- if (is.null(question$maxChildren)) 200L else question$maxChildren
  chars <- if (is.null(question$maxValueLength)) HELP_CHARS else question$maxValueLength
  beginning <- if (length(dim(value)) == 2L) utils::head(value, 50L)
  else if (is.atomic(value)) utils::head(value, chars)
  else value
  full <- captured(if (is.environment(value)) cat(line_for(value)) else print_value(beginning))
  count <- length(part_names(value))
  c(describe(shown, value), list(
    fullValue = cut(full, chars), children = parts(value, most), methods = list(),
    attributes = as.list(as.character(names(attributes(value)))), truncated = nchar(full) > chars || count > most
  ))
}

describe <- function(name, value) {
  told <- list(
    name = cut(name, 1000L), type = class(value)[[1L]], value = line_for(value),
    expandable = opens(value)
  )
  # Of a list every element is visited.
  if (is.atomic(value) || length(value) < 100000L) told$size <- format(utils::object.size(value), units = "auto")
  if (!is.null(dim(value))) told$shape <- I(as.integer(dim(value)))
  if (!is.function(value)) told$length <- length(value)
  if (is.list(value) && !is.null(names(value))) told$keys <- I(utils::head(names(value), 20L))
  told
}

# The beginning of a value on one line: `str` never writes out a large one.
line_for <- function(value, most = 200L) {
  text <- if (is.function(value)) signature_of("function", value)
  else if (is.atomic(value) && length(value) == 1L && is.null(attributes(value))) deparse(value, nlines = 1L)
  else tryCatch(
    captured(utils::str(value, max.level = 1L, vec.len = 5L, give.attr = FALSE, list.len = 10L)),
    error = function(e) "?"
  )
  cut(trimws(gsub("[[:space:]]+", " ", text)), most)
}

opens <- function(value) length(part_names(value)) > 0L

part_names <- function(value) {
  if (is.environment(value)) return(ls(value))
  if (isS4(value)) return(methods::slotNames(value))
  if (!is.list(value)) return(character())
  names <- names(value)
  places <- as.character(seq_along(value))
  if (is.null(names)) places else ifelse(nzchar(names), names, places)
}

parts <- function(value, most) lapply(
  utils::head(part_names(value), most),
  function(name) describe(name, tryCatch(child(value, name), error = function(e) "?"))
)

child <- function(value, name) {
  if (is.environment(value)) {
    if (bindingIsActive(name, value)) return("[active binding]")
    return(get(name, value, inherits = FALSE))
  }
  if (isS4(value)) return(methods::slot(value, name))
  if (!is.list(value)) stop("It has no parts.")
  value <- unclass(value)
  if (name %in% names(value)) value[[name]]
  else if (grepl("^[0-9]+$", name)) value[[as.integer(name)]]
  else stop("It has no such part.")
}

# --- code

is_complete <- function(question) {
  status <- tryCatch({
    parse(text = question$code, keep.source = FALSE)
    "complete"
  }, error = function(e) {
    ends <- c(gettext("unexpected end of input", domain = "R"), "unexpected INCOMPLETE_STRING")
    if (any(vapply(ends, grepl, NA, conditionMessage(e), fixed = TRUE))) "incomplete" else "invalid"
  })
  list(status = status, indent = if (status == "incomplete" && grepl("[{(][[:space:]]*$", question$code)) "  " else "")
}

reformat <- function(question) {
  formatted <- if (requireNamespace("styler", quietly = TRUE)) styler::style_text(question$code)
  else if (requireNamespace("formatR", quietly = TRUE))
    formatR::tidy_source(text = question$code, output = FALSE, indent = 2L, arrow = FALSE)$text.tidy
  else stop("No formatter of R is installed. To get one, run: install.packages(\"styler\")", call. = FALSE)
  list(formatted = paste(as.character(formatted), collapse = "\n"))
}

ANSWERS <- list(
  complete = complete, inspect = inspect, hover = hover, variables = variables, variable = variable,
  isComplete = is_complete, format = reformat
)
